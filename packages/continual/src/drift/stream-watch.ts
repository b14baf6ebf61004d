/** Stream watch: notices a change in what is read, whatever the loss does. */
import { type Check, checks } from '@burgeon/tensor'
import type { DriftVerdict } from './drift-detector.ts'

/**
 * Watches the bytes of the stream. A learner asks it once per batch, beside the detector of the loss: a
 * change of text need not raise the loss at once, such as from prose to data that is easier to predict.
 */
export interface StreamWatch {
  readonly name: string
  /**
   * Takes the next bytes of the stream, of any number. The estimate is in the watch's own unit; the direction
   * of an alarm is `up`, away from what was read before.
   */
  update(bytes: ArrayLike<number>): DriftVerdict
  /** Forgets all bytes; options stay. A learner calls it when another detector has raised an alarm. */
  reset(): void
  /** Plain data with a `kind` field; survives JSON. */
  toState(): unknown
  /**
   * Takes a state that `toState` of one with the same options gave.
   *
   * @throws StateError for any other state; the watch is unchanged then.
   */
  restore(state: unknown): void
}

/** Any object of the role. */
export const aStreamWatch: Check<StreamWatch> = checks.role(
  'a stream watch',
  ...(['name', 'update', 'reset', 'toState', 'restore'] as const),
)
