import { type Check, checks } from '@burgeon/tensor'

/** One number in, one verdict out: has the stream changed? */

/** Verdict of a detector after a value. */
export interface DriftVerdict {
  readonly drift: boolean
  /** Direction of the change; null exactly when there is no drift. For a loss, only `up` is bad news. */
  readonly direction: DriftDirection | null
  /** The detector's estimate of the signal's present mean, in units of the signal. */
  readonly estimate: number
}

/** Direction in which a signal changed. */
export type DriftDirection = 'up' | 'down'

/**
 * Watches one signal, such as the prequential loss. A new one shows that it keeps the contract with
 * `checkDriftDetector` of `@burgeon/continual/testing`.
 */
export interface DriftDetector {
  readonly name: string
  /** Takes the next value. Throws a `SignalError` for NaN, ±∞ and beyond ±1e100, and is unchanged then. */
  update(value: number): DriftVerdict
  /** Forgets all values; options stay. */
  reset(): void
  /** Plain data with a `kind` field; survives JSON. */
  toState(): unknown
  /**
   * Takes a state that `toState` of one with the same options gave. Throws a `StateError` for any other, and
   * is unchanged then.
   */
  restore(state: unknown): void
}

/** Any object of the role. */
export const aDriftDetector: Check<DriftDetector> = checks.role(
  'a drift detector',
  ...(['name', 'update', 'reset', 'toState', 'restore'] as const),
)
