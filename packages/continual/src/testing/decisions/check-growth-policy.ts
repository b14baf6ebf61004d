/** The contract of a growth policy, as statements to be checked in any test runner. */
import { type GptConfig, gptConfig } from '@burgeon/gpt'
import { planGrowth, priceOf } from '@burgeon/gpt/growth'
import { checkArgument, checkOptions, checks, OptionError, shown } from '@burgeon/tensor'
import type { CheckResult } from '@burgeon/tensor/testing'
import {
  aGrowthPolicy,
  type GrowthBudget,
  type GrowthDecision,
  type GrowthPolicy,
  type GrowthSignals,
  lossWindow,
} from '../../growth/growth-policy.ts'
import type { Measurement } from '../../growth/measure/measurement.ts'
import { excessOf } from '../../growth/within-budget.ts'
import { gaussians } from '../gaussians.ts'

/**
 * The course of the loss in a made-up life: it falls and falls; it stops falling; the stream changes, and it
 * stays high; or it falls, and a controller can do no more.
 */
export type LossCourse = 'falling' | 'plateau' | 'drift' | 'conflict'

/** Requests that a policy must or may make in the lives of the suite, which have 1,500 steps. */
export interface PolicyExpectation {
  /** Lives in which it must ask for growth at least once. Default: none. */
  readonly asksIn?: readonly LossCourse[]
  /** Lives in which it must not ask. Default: none. */
  readonly silentIn?: readonly LossCourse[]
  /**
   * Whether it may ask for more than the budget allows, and leaves it to the learner to refuse, as a schedule
   * does. Default false.
   */
  readonly mayExceedBudget?: boolean
}

const courses: readonly LossCourse[] = ['falling', 'plateau', 'drift', 'conflict']
const someCourses = checks.list(
  "a list of 'falling', 'plateau', 'drift' and 'conflict'",
  checks.oneOf(...courses),
)
const steps = 1500
/** The step of the drift alarm, or from which on a controller can do no more, in the life that has one. */
const driftAt = 900
const born = gptConfig({ vocabulary: 64, context: 16, embed: 16, heads: 2, layers: 2, mlpHidden: 32 })
function sizeOf(config: GptConfig): number {
  return priceOf(config, { kind: 'addLayer', at: 0 }).before.parameters
}

const roomy: GrowthBudget = { parameters: 30 * sizeOf(born) }
const tight: GrowthBudget = { parameters: Math.round(1.2 * sizeOf(born)) }

/**
 * Checks a policy on made-up lives, the same in every run: a model of two blocks grows as it requests, within
 * a budget of thirty times its size and within one that is soon spent. It is asked after every step, with
 * measurements where it wants them.
 *
 * @throws OptionError unless `policy` is a policy, and for an expectation that does not exist.
 * @example
 * ```ts
 * const policy = growOnPlateau({ window: 100, patience: 200 })
 * const results = checkGrowthPolicy(policy, { asksIn: ['plateau'], silentIn: ['falling'] })
 * for (const { statement, holds, detail } of results) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export function checkGrowthPolicy<S>(
  policy: GrowthPolicy<S>,
  expectation: PolicyExpectation = {},
): CheckResult[] {
  checkArgument('checkGrowthPolicy', 'policy', policy, aGrowthPolicy)
  checkOptions('checkGrowthPolicy', expectation, {
    asksIn: someCourses,
    silentIn: someCourses,
    mayExceedBudget: checks.boolean,
  })
  const { asksIn = [], silentIn = [], mayExceedBudget = false } = expectation
  const { name } = policy
  const lives = courses.map((course) => ({
    course,
    asked: attempt(() => live(policy, course, roomy)),
    savedOften: attempt(() => live(policy, course, roomy, throughJson)),
  }))
  const asks = (course: LossCourse): Asked[] | string =>
    lives.find((life) => life.course === course)?.asked ?? []
  const say = (statement: string, detail: string | null): CheckResult => ({
    statement: `${name} ${statement}`,
    holds: detail === null,
    detail: detail ?? 'as stated',
  })
  return [
    say('asks for nothing before it has seen a loss', silentAtFirst(policy)),
    say(
      'returns the same for the same, and changes nothing that it is given',
      firstOf(lives, ({ asked }) => (typeof asked === 'string' ? asked : null)),
    ),
    say(
      'goes on the same after its state was saved as JSON, at any step',
      firstOf(lives, ({ course, asked, savedOften }) =>
        JSON.stringify(asked) === JSON.stringify(savedOften)
          ? null
          : `where the loss is of course ${course} it differs`,
      ),
    ),
    say(
      'asks only for what can be, and says why',
      firstOf(lives, ({ asked }) => (typeof asked === 'string' ? asked : firstOf(asked, impossible))),
    ),
    ...(mayExceedBudget
      ? []
      : [
          say(
            'asks for nothing beyond the budget',
            firstOf(courses, (course) => {
              const asked = attempt(() => live(policy, course, tight))
              return typeof asked === 'string' ? asked : firstOf(asked, beyond(tight))
            }),
          ),
        ]),
    ...asksIn.map((course) =>
      say(
        `asks for growth where the loss is of course: ${course}`,
        asks(course).length > 0 ? null : 'it never asked',
      ),
    ),
    ...silentIn.map((course) => {
      const asked = asks(course)
      const [first] = typeof asked === 'string' ? [] : asked
      return say(
        `is silent where the loss is of course: ${course}`,
        asked.length === 0 ? null : `it asked at step ${first?.signals.step}: ${first?.decision.reason}`,
      )
    }),
  ]
}

/** A request, with the signals it was made upon. */
interface Asked {
  readonly signals: GrowthSignals
  readonly decision: GrowthDecision<unknown>
}

/** Runs a whole life; returns the requests. Throws an Error if the policy is not pure. */
function live<S>(
  policy: GrowthPolicy<S>,
  course: LossCourse,
  budget: GrowthBudget,
  keep: (state: S) => S = (state) => state,
): Asked[] {
  const losses = lossesOf(course)
  const asked: Asked[] = []
  let [config, state, lastGrowth] = [born, policy.initial, 0]
  let parameters = sizeOf(config)
  for (let step = 1; step <= steps; step++) {
    const signals = seenAt(step, losses, { config, parameters, lastGrowth }, course)
    const decision = decided(policy, signals, budget, keep(state))
    state = decision.state
    if (decision.request === null) continue
    asked.push({ signals, decision })
    const isPossible = impossible({ signals, decision }) === null
    if (!isPossible || beyond(budget)({ signals, decision }) !== null) continue
    config = planGrowth(config, decision.request, [0, 0]).config
    parameters = sizeOf(config)
    lastGrowth = step
  }
  return asked
}

function seenAt(
  step: number,
  losses: readonly number[],
  { config, parameters, lastGrowth }: { config: GptConfig; parameters: number; lastGrowth: number },
  course: LossCourse,
): GrowthSignals {
  return {
    step,
    losses: Object.freeze(losses.slice(Math.max(0, step - lossWindow), step)),
    stepsSinceGrowth: step - lastGrowth,
    stepsSinceDrift: course === 'drift' && step >= driftAt ? step - driftAt : null,
    ...(course === 'conflict' && { isSaturated: step >= driftAt }),
    config,
    parameters,
    stateBytes: 8 * parameters,
  }
}

/** Asks the policy twice, for a measurement first if it wants one, and gives it only frozen arguments. */
function decided<S>(
  policy: GrowthPolicy<S>,
  signals: GrowthSignals,
  budget: GrowthBudget,
  state: S,
): GrowthDecision<S> {
  frozen([signals, budget, state])
  const wants = [1, 2].map(() => policy.measures?.(signals, budget, state) ?? false)
  const seen = wants[0] ? frozen({ ...signals, measured: measuredAt(signals) }) : signals
  const [first, second] = [1, 2].map(() => policy.decide(seen, budget, state))
  if (wants[0] !== wants[1] || JSON.stringify(first) !== JSON.stringify(second)) {
    throw new OptionError(
      `at step ${signals.step} it answered ${JSON.stringify(first)}, then ${JSON.stringify(second)}`,
    )
  }
  return first
}

function silentAtFirst<S>(policy: GrowthPolicy<S>): string | null {
  const signals = seenAt(0, [], { config: born, parameters: sizeOf(born), lastGrowth: 0 }, 'falling')
  const asked = attempt(() => {
    const { request } = decided(policy, signals, roomy, policy.initial)
    return request === null ? [] : [request]
  })
  return asked.length === 0 ? null : `it asked for ${JSON.stringify(asked)}`
}

function impossible({ signals, decision }: Asked): string | null {
  const { request, reason } = decision
  if (typeof reason !== 'string' || reason === '') return `no reason at step ${signals.step}`
  const possible = attempt(() => [request !== null && planGrowth(signals.config, request, [0, 0])])
  return typeof possible === 'string' ? `at step ${signals.step}: ${possible}` : null
}

const beyond =
  (budget: GrowthBudget) =>
  (asked: Asked): string | null => {
    const { signals, decision } = asked
    if (decision.request === null || impossible(asked) !== null) return null
    const excess = excessOf(signals, decision.request, budget)
    return excess && `at step ${signals.step}: ${excess.comes} ${excess.what}, allowed are ${excess.allowed}`
  }

/** Losses in nats per byte, with the noise of small batches. */
function lossesOf(course: LossCourse): number[] {
  const noise = gaussians(steps)
  return noise.map((x, step) => {
    const level =
      course === 'falling' || course === 'conflict'
        ? 5 - step / 400
        : 2 + 3 * Math.exp(-step / 60) + (course === 'drift' && step >= driftAt ? 2 : 0)
    return level + 0.02 * x
  })
}

/** A made-up measurement: blocks that are full and promise something, one more than the other. */
function measuredAt({ config, step }: GrowthSignals): Measurement {
  const tokens = 1024
  const blocks = config.blocks.map(({ id, mlpHidden }, i) => {
    const maxRank = Math.min(mlpHidden, tokens - 1)
    const gradMax = 0.5 + 0.1 * i + (step % 7) / 100
    return {
      ...{ block: id, gradientShare: 1 / config.blocks.length, gradMax },
      ...{ effectiveRank: 0.9 * maxRank, maxRank, dormant: 0, dormantUnits: [] },
    }
  })
  return { tokens, gradientNorm: 1, blocks }
}

const throughJson = <S>(state: S): S => JSON.parse(JSON.stringify(state) ?? 'null') as S

/** Returns the result of `body`, or the message of its error. */
function attempt<T>(body: () => T[]): T[] | string {
  try {
    return body()
  } catch (error) {
    return error instanceof Error ? error.message : shown(error)
  }
}

function firstOf<T>(list: readonly T[], problem: (item: T) => string | null): string | null {
  for (const item of list) {
    const found = problem(item)
    if (found !== null) return found
  }
  return null
}

/** Returns the same value, frozen. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) frozen(part)
  return value
}
