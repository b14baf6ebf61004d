/**
 * Controllers: how much to rehearse, protect and change, from what is seen. Pure functions that never see a
 * tensor.
 */
import { type Check, checks } from '@burgeon/tensor'
import type { ProbeLosses } from '../journal/probe-losses.ts'
import type { Knobs } from './knobs.ts'

/** What a controller may judge by. Plain data, so every decision can be replayed from the journal. */
export interface ControlSignals {
  /** Updates made, this one included. */
  readonly step: number
  /** Prequential loss of the new rows, in bits per byte; of examples, in bits for each. */
  readonly bitsPerByte: number
  /** Updates since the last drift alarm, 0 in the step that raised it; null before the first. */
  readonly stepsSinceDrift: number | null
  /** What was measured in this step by rows that are held back; null where nothing was. */
  readonly probes: ProbeLosses | null
}

/** Decision of a controller. */
export interface ControlDecision<S> {
  /** For all steps from the next one on, until it decides otherwise. 1 for each that is not given. */
  readonly knobs: Partial<Knobs>
  /** A reason for people, where the decision is worth a line in the journal; else null. */
  readonly reason: string | null
  /**
   * Whether its means are at their stop, and what it is to hold does not hold: only a larger model could help
   * then (`growOnConflict`). False unless given.
   */
  readonly isSaturated?: boolean
  readonly state: S
}

/**
 * A controller. `decide` is asked after every step and must be pure: the same signals and state give the same
 * decision. Its state is plain JSON and lives in the checkpoint.
 *
 * @example
 * ```ts
 * const calmAtFirst: Controller<null> = {
 *   name: 'calm at first',
 *   initial: null,
 *   decide: ({ step }) => ({ knobs: { rate: Math.min(1, step / 100) }, reason: null, state: null }),
 * }
 * ```
 */
export interface Controller<S = unknown> {
  readonly name: string
  readonly initial: S
  /**
   * Judges a saved state, which a file may have damaged: one that does not pass is refused. Any plain JSON
   * passes unless given.
   */
  readonly stateCheck?: Check<S>
  /**
   * Whether it judges by rows that are held back; a learner without probes refuses it then. False unless
   * given.
   */
  readonly needsProbes?: boolean
  /**
   * Whether it may ever say that it is saturated; a growth policy that waits for that is refused beside
   * another. False unless given.
   */
  readonly maySaturate?: boolean
  decide(signals: ControlSignals, state: S): ControlDecision<S>
}

/** Any object of the role. */
export const aController: Check<Controller> = checks.role('a controller', 'name', 'initial', 'decide')
