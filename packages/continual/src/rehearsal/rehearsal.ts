/** Rehearsal: what is learnt again beside the new. */
import type { Batch } from '../stream/batch.ts'

/** The role that mixes the batch. */
export interface Rehearsal {
  readonly name: string
  /** Old rows to be learnt together with the new ones; none while there is nothing to rehearse. */
  recall(fresh: Batch): Batch | null
  /**
   * Returns what undoes every `recall` since, for a step that fails: random streams, remainders and whatever else recalling changes. Where it
   * is missing, the learner takes the whole state before each step.
   */
  mark?(): () => void
  /** Takes note of rows that have just been learnt. */
  remember(fresh: Batch): void
  /** Some remembered rows for a purpose of the caller's, such as estimating importance. May be fewer than asked for. */
  sample(rows: number): Batch | null
  /**
   * Puts another row of the same length in the place of each remembered one, when the vocabulary has grown: what a mirror's `remap` is for
   * parameters. Needed beside a growing vocabulary.
   */
  recode?(encoded: (row: Int32Array) => Int32Array): void
  /** Plain data. */
  toState(): unknown
  /**
   * Takes a state that `toState` gave.
   *
   * @throws StateError if it is none; the rehearsal is unchanged then.
   */
  restore(state: unknown): void
}
