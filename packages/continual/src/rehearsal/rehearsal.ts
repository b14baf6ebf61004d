/** Rehearsal: what is learnt again beside the new. */
import { type Check, checks, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import type { Pass } from '../model/pass.ts'
import type { Part } from '../part.ts'
import type { RecallContext, RehearseContext, StepContext } from '../journal/step-context.ts'
import type { Batch } from '../stream/batch.ts'

/** The role that mixes the batch. */
export interface Rehearsal extends Part {
  /** Old rows to be learnt together with the new ones; null while there is nothing to rehearse. */
  recall(context: RecallContext): Batch | null | Promise<Batch | null>
  /**
   * Returns what undoes every `recall` since, for a step that fails: random streams, remainders and whatever
   * else recalling changes. Where it is missing, the learner takes the whole state before each step.
   */
  mark?(): () => void
  /**
   * Whether it uses the outputs of the model: `pass.logits` in `loss`, and `context.logits` of the fresh rows
   * when it remembers them. False unless given.
   */
  readonly usesLogits?: boolean
  /**
   * What the rows that it recalled for this step cost, a scalar on the tape, ≥ 0 but for negative weights;
   * null where they cost nothing. The learner adds it to the mean loss of the fresh rows. Without it the loss
   * is the mean over fresh and old rows alike. Not called in a step that recalled nothing.
   *
   * @param weights All weights of the model.
   * @param pass The prediction of the step's rows with them: the recalled ones come after the fresh ones.
   */
  loss?(weights: TensorsByPath, pass: Pass): Tensor | null
  /** Takes note of rows that have just been learnt. */
  remember(context: StepContext): void
  /**
   * Rows for a step without new ones, at most so many; null while there is nothing to rehearse. Those of
   * `sample` unless given. What is done to state is undone as of `recall`.
   */
  recallAlone?(rows: number, context: RehearseContext): Batch | null | Promise<Batch | null>
  /**
   * Some remembered rows for a purpose of the caller's, such as estimating importance. May be fewer than
   * asked for.
   */
  sample(rows: number): Batch | null
  /**
   * Is told whether steps on its rows alone stand, or did harm and were undone (`RehearseOptions.tolerance`).
   * It may learn less of what is its own until some stand.
   */
  settled?(stand: boolean): void
  /** Plain data. */
  toState(): unknown
  restore(state: unknown): void
}

/** Any object of the role. */
export const aRehearsal: Check<Rehearsal> = checks.role(
  'a rehearsal',
  ...(['name', 'recall', 'remember', 'sample', 'toState', 'restore'] as const),
)
