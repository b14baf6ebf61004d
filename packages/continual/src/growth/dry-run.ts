/** Replays a policy on the signals of a life, without a model. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import type { GptConfig } from '@burgeon/gpt'
import {
  aGrowthPolicy,
  budgetChecks,
  type GrowthBudget,
  type GrowthPolicy,
  type GrowthSignals,
  lossWindow,
} from './growth-policy.ts'
import type { TriedRequests } from '../journal/trials/tried-requests.ts'
import type { Measurement } from './measure/measurement.ts'
import { type AnyConfig, grownIn, type RequestTo } from './price-in.ts'
import { barOf, excessOfPrice } from './within-budget.ts'

/** The course of a life as a policy sees it. */
export interface DryRunInput<C extends AnyConfig = GptConfig> {
  /** That of a GPT, or the sizes of a dense network. */
  readonly config: C
  /** Learnt numbers at the beginning. */
  readonly parameters: number
  /** The prequential loss of every step, in nats per byte. */
  readonly losses: readonly number[]
  /** Steps, counted from 1, with a drift alarm; none unless given. */
  readonly drifts?: readonly number[]
  /** No limit unless given. */
  readonly budget?: GrowthBudget
  /**
   * Measurements by step: see `measurementsIn`. Given to the policy where it asks for it and there is one.
   */
  readonly measurements?: Readonly<Record<number, Measurement>>
  /** Whether a controller was saturated after a step, until the next that is there: see `saturationsIn`. */
  readonly saturations?: Readonly<Record<number, boolean>>
  /**
   * Trials of growth by the step in which the policy asked: see `growthTrialsIn`. They are judged anew.
   * A request without one is carried out as it is.
   */
  readonly trials?: Readonly<Record<number, TriedRequests>>
  /** Bytes of state beside the weights at the beginning; they grow as these do. None unless given. */
  readonly stateBytes?: number
}

/** One growth that would have been asked for. */
export interface DryGrowth<C extends AnyConfig = GptConfig> {
  readonly step: number
  readonly request: RequestTo<C>
  readonly reason: string
  /** Learnt numbers afterwards. */
  readonly parameters: number
  /** Whether the budget forbids it: then nothing grows. */
  readonly refused: boolean
}

/**
 * Asks a policy after every step of a life that is given as numbers, and lets the configuration grow as it
 * requests. Losses stay as they are given, so it tells when a policy would act, not what it would gain.
 *
 * @throws OptionError if it asks for the impossible.
 */
export function dryRun<S, C extends AnyConfig = GptConfig>(
  policy: GrowthPolicy<S, C>,
  input: DryRunInput<C>,
): DryGrowth<C>[] {
  checkArgument('dryRun', 'policy', policy, aGrowthPolicy)
  checkOptions('dryRun', input, {
    config: checks.required(checks.object('a configuration of gptConfig, or sizes of a dense network')),
    parameters: checks.required(checks.integer({ from: 0 })),
    losses: checks.required(checks.list('a list of numbers', checks.number())),
    drifts: checks.list('a list of positive integers', checks.integer({ from: 1 })),
    budget: checks.object('an object with parameters'),
    measurements: checks.object('measurements by step'),
    saturations: checks.object('true or false by step'),
    trials: checks.object('trials by step'),
    stateBytes: checks.number({ from: 0 }),
  })
  if (input.budget) checkOptions('dryRun: budget', input.budget, budgetChecks)
  const { losses, drifts = [], budget = { parameters: Infinity }, measurements = {} } = input
  const { saturations = {}, trials = {} } = input
  let { config, parameters, stateBytes = 0 } = input
  let state = policy.initial
  let [lastGrowth, lastDrift]: [number, number | null] = [0, null]
  let isSaturated = false
  const growths: DryGrowth<C>[] = []
  const grow = (step: number, request: RequestTo<C>, reason: string, isApproved: boolean = false): void => {
    const { config: after, parameters: more, price } = grownIn(config, request, stateBytes)
    const bar = barOf(request, parameters + more, parameters, budget, isApproved)
    const refused = bar !== null || excessOfPrice(price, { parameters }, budget) !== null
    if (!refused) {
      config = after as C
      parameters += more
      stateBytes = price.after.stateBytes
      lastGrowth = step
    }
    growths.push({ step, request, reason, parameters, refused })
  }
  for (let step = 1; step <= losses.length; step++) {
    if (drifts.includes(step)) lastDrift = step
    isSaturated = saturations[step - 1] ?? isSaturated
    const known: GrowthSignals<C> = {
      step,
      losses: losses.slice(Math.max(0, step - lossWindow), step),
      stepsSinceGrowth: step - lastGrowth,
      stepsSinceDrift: lastDrift === null ? null : step - lastDrift,
      isSaturated,
      config,
      parameters,
      stateBytes,
    }
    const measured = measurements[step]
    const isMeasured = measured !== undefined && policy.measures?.(known, budget, state)
    const signals = isMeasured ? { ...known, measured } : known
    const decision = policy.decide(signals, budget, state)
    state = decision.state
    const { request, reason } = decision
    if (request === null) continue
    const tried = policy.trial && trials[step]
    if (policy.trial === undefined || tried === undefined) {
      grow(step, request, reason, decision.isApproved)
      continue
    }
    const { goesOn } = policy.trial.decide(tried.outcome)
    const end = tried.outcome.step
    // The policy is not asked before the trial ends; what stands has grown after its first step.
    const stands = Object.hasOwn(tried.candidates, goesOn) ? tried.candidates[goesOn] : null
    if (stands !== null) grow(end - policy.trial.steps + 1, stands as RequestTo<C>, reason)
    for (; step < end; step++) lastDrift = drifts.includes(step + 1) ? step + 1 : lastDrift
  }
  return growths
}
