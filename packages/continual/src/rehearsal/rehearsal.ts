/** Rehearsal: what is learnt again beside the new. */
import { type Check, checks } from '@burgeon/tensor'
import type { Part } from '../part.ts'
import type { RecallContext, StepContext } from '../journal/step-context.ts'
import type { Batch } from '../stream/batch.ts'

/** The role that mixes the batch. */
export interface Rehearsal extends Part {
  /** Old rows to be learnt together with the new ones; null while there is nothing to rehearse. */
  recall(context: RecallContext): Batch | null
  /**
   * Returns what undoes every `recall` since, for a step that fails: random streams, remainders and whatever
   * else recalling changes. Where it is missing, the learner takes the whole state before each step.
   */
  mark?(): () => void
  /** Takes note of rows that have just been learnt. */
  remember(context: StepContext): void
  /**
   * Some remembered rows for a purpose of the caller's, such as estimating importance. May be fewer than
   * asked for.
   */
  sample(rows: number): Batch | null
  /** Plain data. */
  toState(): unknown
  restore(state: unknown): void
}

/** Any object of the role. */
export const aRehearsal: Check<Rehearsal> = checks.role(
  'a rehearsal',
  ...(['name', 'recall', 'remember', 'sample', 'toState', 'restore'] as const),
)
