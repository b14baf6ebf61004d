/** Vector detector: one vector in, one verdict out. */
import { type Check, checks } from '@burgeon/tensor'
import type { DriftVerdict } from '../drift-detector.ts'

/**
 * Watches a stream of vectors, such as a model's mean hidden state per batch: what no single number shows,
 * such as two features that begin to move together. A new one shows that it keeps the contract with
 * `checkVectorDetector` of `@burgeon/continual/testing`.
 */
export interface VectorDetector {
  readonly name: string
  /**
   * Takes the next vector. The estimate is in the detector's own unit; the direction of an alarm is `up`,
   * away from what was before.
   *
   * @throws SignalError for another number of components than before, or one that is NaN, ±∞ or beyond
   *   ±1e100; the detector is unchanged then.
   */
  update(vector: ArrayLike<number>): DriftVerdict
  /** Forgets all vectors, and how long they were; options stay. */
  reset(): void
  /** Plain data with a `kind` field: JSON values and typed arrays. */
  toState(): unknown
  /**
   * Takes a state that `toState` of one with the same options gave. Throws a `StateError` for any other, and
   * is unchanged then.
   */
  restore(state: unknown): void
}

/** Any object of the role. */
export const aVectorDetector: Check<VectorDetector> = checks.role(
  'a vector detector',
  ...(['name', 'update', 'reset', 'toState', 'restore'] as const),
)
