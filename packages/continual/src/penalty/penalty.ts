/** Penalty: what is added to the loss to protect what is known. */
import type { Gpt } from '@burgeon/gpt'
import {
  type Check,
  checks,
  type Mirror,
  type ParameterStore,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { Part } from '../part.ts'
import type { Batch } from '../stream/batch.ts'

/** The role that adds to the loss. */
export interface Penalty extends Part {
  readonly mirrors: readonly Mirror[]
  /**
   * Whether it adds nothing to the loss before it was consolidated; a learner that never does refuses it
   * then. False unless given.
   */
  readonly waitsForConsolidation?: boolean
  /**
   * A scalar ≥ 0 of the present weights, in nats per token; null while there is nothing to protect. Runs on
   * the tape.
   */
  loss(weights: TensorsByPath): Tensor | null
  /** Makes the present weights the ones to protect, judging by `sample`. */
  consolidate(model: Gpt, sample: Batch): void
  toState(): Promise<unknown>
  restore(state: unknown, parameters: ParameterStore): void
}

/** Any object of the role. */
export const aPenalty: Check<Penalty> = checks.role(
  'a penalty',
  ...(['name', 'mirrors', 'loss', 'consolidate', 'toState', 'restore'] as const),
)
