/** Penalty: what is added to the loss to protect what is known. */
import {
  type Check,
  checks,
  type Mirror,
  type ParameterStore,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { Model } from '../model/model.ts'
import type { Pass } from '../model/pass.ts'
import type { Part } from '../part.ts'
import type { Batch } from '../stream/batch.ts'

/** What a step did to the weights. All of it dies with the step. */
export interface WeightChange {
  /** Updates made, this one included. */
  readonly step: number
  /** With its weights as they are now. */
  readonly model: Model
  /** Gradients of the loss and of what was added to it, before any transform, by path. */
  readonly gradients: TensorsByPath
  /** What was added to each weight, by path; weights that did not learn are absent. */
  readonly updates: TensorsByPath
}

/** The role that adds to the loss. */
export interface Penalty extends Part {
  readonly mirrors: readonly Mirror[]
  /** Whether it is for weights of the model, or of an adapter that learns beside it. `model` unless given. */
  readonly of?: 'model' | 'adapter'
  /**
   * Whether it adds nothing to the loss before it was consolidated; a learner that never does refuses it
   * then. False unless given.
   */
  readonly waitsForConsolidation?: boolean
  /** Rows of memory that it wants to judge by in `consolidate`. Default 32. */
  readonly sampleRows?: number
  /** Whether it asks for the `logits` of the pass. False unless given. */
  readonly usesLogits?: boolean
  /**
   * A scalar ≥ 0 of the present weights, in nats per token; null while there is nothing to protect. Runs on
   * the tape.
   *
   * @param weights All weights of the model.
   * @param pass The prediction of the step's rows with them.
   */
  loss(weights: TensorsByPath, pass: Pass): Tensor | null
  /**
   * Follows each change of the weights, as an integral along their path needs it; is called in a scope, after
   * the change, and must not throw.
   */
  afterUpdate?(change: WeightChange): void
  /** Makes the present weights the ones to protect, judging by `sample`. */
  consolidate(model: Model, sample: Batch): void
  /**
   * Protects what growth has just added, judging by `sample`; is called in the step of a growth, before
   * anything is learnt with it. What the penalty costs stays.
   */
  afterGrowth?(model: Model, sample: Batch): void
  toState(): Promise<unknown>
  restore(state: unknown, parameters: ParameterStore): void
}

/** Any object of the role. */
export const aPenalty: Check<Penalty> = checks.role(
  'a penalty',
  ...(['name', 'mirrors', 'loss', 'consolidate', 'toState', 'restore'] as const),
)
