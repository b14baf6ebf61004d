/** A plan, simulated: what stragglers and failures leave of what it promises. */
import { type Check, checkArgument, checkOptions, checks } from '@burgeon/tensor'
import type { Plan } from './make-plan.ts'
import { type Simulation, simulateRounds } from './simulate-rounds.ts'

/** What a plan is simulated with. */
export interface PlanSimulationQuestion {
  /** Rounds of each way, 1 or more. */
  readonly rounds: number
  /** Fresh tokens of a step, over all copies, as it was planned. */
  readonly batchTokens: number
  /** Steps between two exchanges where they are rare, 1 or more. */
  readonly localSteps: number
  /** How much the steps of a copy vary: deviation by mean, from 0 to 10. 0.1 unless given. */
  readonly variation?: number
  /**
   * Mean days from one failure of a machine to the next, > 0. 264 unless given: 419 unexpected interruptions of 16,384
   * GPUs, eight a machine, in 54 days (Dubey et al. 2024, section 3.3.4).
   */
  readonly machineDays?: number
  /** Seconds until a copy that has failed is back, ≥ 0. 600 unless given. */
  readonly backSeconds?: number
  /** Share of the copies that a round does not wait for, where it waits for some only, in [0, 1). 0.05 unless given. */
  readonly spare?: number
  /** 0 unless given. */
  readonly seed?: number
}

/** A way of learning together, and what came of it. */
export interface SimulatedWay {
  readonly localSteps: number
  /** Copies that a round waits for. */
  readonly quorum: number
  readonly simulation: Simulation
}

const aPlan: Check<Plan> = checks.role('a plan of makePlan', 'copies', 'machines', 'exchange', 'days')

/**
 * Simulates the copies of a plan in four ways: exchanging after every step or rarely, waiting for all copies or without
 * the last of them. A copy fails as often as its machines do.
 *
 * @throws OptionError for a question that is none, or failures so frequent that rounds would hardly ever end.
 */
export function simulatePlan(plan: Plan, question: PlanSimulationQuestion): SimulatedWay[] {
  const who = 'simulatePlan'
  checkArgument(who, 'plan', plan, aPlan)
  const positive = checks.number({ above: 0 })
  checkOptions(who, question, {
    rounds: checks.required(checks.integer({ from: 1 })),
    batchTokens: checks.required(positive),
    localSteps: checks.required(checks.integer({ from: 1 })),
    variation: checks.number({ from: 0, to: 10 }),
    ...{ machineDays: positive, backSeconds: checks.number({ from: 0 }), seed: checks.seed },
    spare: checks.number({ from: 0, below: 1 }),
  })
  const {
    rounds,
    batchTokens,
    variation = 0.1,
    machineDays = 264,
    backSeconds = 600,
    spare = 0.05,
  } = question
  const { copies, machines, exchange, tokensPerSecond } = plan
  const machinesOfCopy = machines / copies
  // A plan counts the exchange of its steps; here it comes at the end of a round.
  const stepSeconds = batchTokens / tokensPerSecond - exchange.rarely
  const some = Math.max(1, copies - Math.max(1, Math.round(spare * copies)))
  return [1, question.localSteps].flatMap((localSteps) =>
    [...new Set([copies, some])].map((quorum) => {
      const simulation = simulateRounds({
        ...{
          workers: copies,
          rounds,
          localSteps,
          quorum,
          stepSeconds,
          variation,
          tokens: batchTokens / copies,
        },
        failures: { every: (machineDays * 86_400) / machinesOfCopy, back: backSeconds },
        exchangeSeconds: copies === 1 ? 0 : exchange.everyStep,
        exchangeBytes: exchange.bytes * machinesOfCopy,
        seed: question.seed ?? 0,
      })
      return { localSteps, quorum, simulation }
    }),
  )
}
