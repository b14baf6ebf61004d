/** Growth policies: when, where and how much to grow. Pure functions that never see a tensor. */
import { type Check, type ChecksOf, checks } from '@burgeon/tensor'
import type { GptConfig } from '@burgeon/gpt'
import type { GrowthTrial } from './growth-trial.ts'
import type { Measurement } from './measure/measurement.ts'
import type { AnyConfig, RequestTo } from './price-in.ts'

/**
 * Signals that a policy may judge by. Plain data, so every decision can be replayed from the log.
 *
 * @typeParam C Configuration of the model: that of a GPT, or the sizes of a dense network.
 */
export interface GrowthSignals<C extends AnyConfig = GptConfig> {
  /** Updates made so far. */
  readonly step: number
  /**
   * Prequential loss of the latest steps, oldest first, in nats per byte (or example); at most `lossWindow`
   * of them.
   */
  readonly losses: readonly number[]
  /** Updates since the policy's last growth, or since the beginning. */
  readonly stepsSinceGrowth: number
  /** Updates since the last drift alarm; null before the first. */
  readonly stepsSinceDrift: number | null
  /** Whether the controller said after the step before that it can do no more. False unless given. */
  readonly isSaturated?: boolean
  readonly config: C
  /** Learnt numbers. */
  readonly parameters: number
  /**
   * Bytes of state beside the weights that grows with them: moments, importance, anchors. None unless given.
   */
  readonly stateBytes?: number
  /** Bytes of what prunings dropped and can bring back (`keptBytesOf`). None unless given. */
  readonly keptBytes?: number
  /** Measurements of the inside of blocks; only where the policy asked for them by `measures`. */
  readonly measured?: Measurement
}

/** How many of the latest losses a policy sees. */
export const lossWindow = 400

/** Limits of the cost of growth in total. The learner enforces them whatever a policy says. */
export interface GrowthBudget {
  /** Most learnt numbers the model may ever have. */
  readonly parameters: number
  /**
   * Most floating-point operations of training for each token, at full context (or each example); no limit
   * unless given.
   */
  readonly flopsPerToken?: number
  /**
   * Most bytes of weights, of the state beside them (also of what a penalty does not hold yet, but will), and
   * of what prunings dropped; no limit unless given. Gradients and activations are not counted.
   */
  readonly bytes?: number
  /** Kinds of requests that may be carried out; every kind unless given. */
  readonly kinds?: readonly string[]
  /**
   * Most learnt numbers that the model may reach by growth that nobody has approved (`onApproval`); no limit
   * unless given.
   */
  readonly withoutApproval?: number
}

/** Decision of a policy, with a reason for people: it stands in the log. */
export interface GrowthDecision<S, C extends AnyConfig = GptConfig> {
  readonly request: RequestTo<C> | null
  readonly reason: string
  /**
   * What became of a request that goes no further in this step, for the journal: it waits for somebody, or
   * was refused. Only where `request` is null; nothing unless given.
   */
  readonly held?: 'growth waits' | 'growth refused'
  /** Whether somebody has approved the request. False unless given. */
  readonly isApproved?: boolean
  readonly state: S
}

/** The state of a policy in a learner, between two decisions as well. */
export interface LiveState<S> {
  get(): S
  /** The next decision is made with it, and it is saved with the learner. */
  set(state: S): void
}

/**
 * A growth policy. `decide` must be pure: the same signals, budget and state give the same decision. Its
 * state is plain JSON and lives in the checkpoint. One for a dense network sees its sizes, and asks for wider
 * hidden layers: `GrowthPolicy<S, DenseSizes>`.
 *
 * @example
 * ```ts
 * const everyHundred: GrowthPolicy<null> = {
 *   name: 'every hundred steps',
 *   initial: null,
 *   decide: ({ stepsSinceGrowth, config }) => ({
 *     request: stepsSinceGrowth < 100 ? null : { kind: 'addLayer', at: config.blocks.length },
 *     reason: 'a hundred steps have passed',
 *     state: null,
 *   }),
 * }
 * ```
 */
export interface GrowthPolicy<S = unknown, C extends AnyConfig = GptConfig> {
  readonly name: string
  readonly initial: S
  /**
   * Judges a saved state, which a file may have damaged: one that does not pass is refused. Any plain JSON
   * passes unless given.
   */
  readonly stateCheck?: Check<S>
  /**
   * Whether the blocks shall be measured before it decides: a pass forwards and backwards over the rows just
   * learnt, so a policy asks for it when the measurement could lead to growth. As pure as `decide`; never
   * unless given. A dense network has no blocks, so a learner of one refuses it.
   */
  measures?(signals: GrowthSignals<C>, budget: GrowthBudget, state: S): boolean
  /**
   * Whether it can only ask after a drift alarm; a learner without a detector refuses it then. False unless
   * given.
   */
  readonly waitsForDrift?: boolean
  /**
   * Whether it can only ask while a controller says that it can do no more; a learner without one that may
   * say so refuses it then. False unless given.
   */
  readonly waitsForSaturation?: boolean
  /**
   * Called once when a learner is made with it. What comes from outside between two steps, such as an
   * approval, comes by way of its state; `decide` stays pure.
   */
  connect?(state: LiveState<S>): void
  /**
   * How its requests are tried beside a model that does not grow; each is carried out untried unless given.
   */
  readonly trial?: GrowthTrial<C>
  decide(signals: GrowthSignals<C>, budget: GrowthBudget, state: S): GrowthDecision<S, C>
}

/** Any object of the role. */
export const aGrowthPolicy: Check<GrowthPolicy> = checks.role('a growth policy', 'name', 'initial', 'decide')

/** Limits of a budget. Infinity: no limit. */
export const budgetChecks: ChecksOf<GrowthBudget> = {
  parameters: checks.required(checks.number({ from: 0, infinite: true })),
  flopsPerToken: checks.number({ from: 0, infinite: true }),
  bytes: checks.number({ from: 0, infinite: true }),
  kinds: checks.list('a list of kinds of growth', checks.text),
  withoutApproval: checks.number({ from: 0, infinite: true }),
}

/** Never grows: the control of every comparison. */
export const neverGrow: GrowthPolicy<null> = {
  name: 'never grow',
  initial: null,
  decide: () => ({ request: null, reason: 'never', state: null }),
}
