/** Projection: takes out of a step what would undo earlier learning. */
import type { GradientTransform } from '@burgeon/autograd/optim'
import { type Check, checks } from '@burgeon/tensor'
import type { StepContext } from '../journal/step-context.ts'
import type { Model } from '../model/model.ts'
import type { Batch } from '../stream/batch.ts'

/**
 * The role that changes the direction of a step: a gradient transform that comes before all others, and sees
 * what the learner sees. Its results are exact for plain SGD; an optimizer that scales each weight by itself,
 * such as AdamW, turns them a little.
 */
export interface Projection extends GradientTransform {
  /** Takes note of rows that have just been learnt. */
  remember?(context: StepContext): void
  /** Makes what the model computes for `sample` now what no step shall change. */
  consolidate?(model: Model, sample: Batch): void
  /** As that of a `Penalty`: keeps steps from going along new weights where that would change `sample`. */
  afterGrowth?(model: Model, sample: Batch): void
  /** Rows of memory that it wants to judge by in `consolidate`. Default 32. */
  readonly sampleRows?: number
  /** Whether it lets every gradient pass before it was consolidated. False unless given. */
  readonly waitsForConsolidation?: boolean
  /**
   * Returns what undoes every `transform` since, for a step that fails: random streams and whatever else it
   * draws from.
   */
  mark?(): () => void
  /** As that of a `Part`: for one that keeps rows of tokens. */
  recode?(encoded: (row: Int32Array) => Int32Array): void
}

/**
 * Rows that a projection compares with. Any rehearsal is such a memory, and recalls nothing when it is used
 * as one.
 */
export interface RowMemory {
  readonly name: string
  remember(context: StepContext): void
  /** Some remembered rows, fewer than asked for if there are no more; null while there are none. */
  sample(rows: number): Batch | null
  mark?(): () => void
  recode?(encoded: (row: Int32Array) => Int32Array): void
  toState(): unknown
  restore(state: unknown): void
}

/** Any object of the role. */
export const aRowMemory: Check<RowMemory> = checks.role(
  'a memory of rows, such as a rehearsal',
  ...(['name', 'remember', 'sample', 'toState', 'restore'] as const),
)

/** What every projection that compares with remembered rows does with its memory. */
export function ofMemory(memory: RowMemory): Omit<Projection, 'name' | 'transform'> {
  const { mark, recode } = memory
  return {
    mirrors: [],
    remember: (context) => memory.remember(context),
    ...(mark && { mark: () => mark.call(memory) }),
    ...(recode && { recode: (encoded) => recode.call(memory, encoded) }),
    toState: () => Promise.resolve(memory.toState()),
    restore: (state) => memory.restore(state),
  }
}
