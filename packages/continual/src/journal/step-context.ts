/** The context of a step, as the parts of a learner see it. It grows by fields, never by parameters. */
import type { Mirror, TensorsByPath } from '@burgeon/tensor'
import type { BatchOf, Model } from '../model/model.ts'
import type { Pass } from '../model/pass.ts'
import type { Batch } from '../stream/batch.ts'
import type { DomainFactors } from '../stream/domain-factors.ts'
import type { LearnerEvent } from './event.ts'

/** Before a step that may have no new rows: what predicts. */
export interface RehearseContext<M extends Model = Model> {
  /** Updates made by observing before it. */
  readonly step: number
  readonly model: M
  /** The weights that learn: those of the model, of its blocks that are not frozen, or of an adapter. */
  readonly weights: TensorsByPath
  /**
   * The prediction of some rows as a function of the weights that learn, as a step computes it. The tensors
   * of both are for the scope that is open then. What rows have beyond the context is left out.
   */
  predict(rows: Batch): (weights: TensorsByPath) => Pass
  /** Most predictions of a row, which labels may stand before; the context of the model unless given. */
  readonly longestRow?: number
}

/** Before the step: what is about to be learnt. */
export interface RecallContext<M extends Model = Model> extends RehearseContext<M> {
  /** The new rows, in the tokens that there are now. */
  readonly fresh: BatchOf<M>
  /** Factor of how many old rows come with them, ≥ 0; 1 unless given. */
  readonly shareFactor?: number
  /**
   * Factors of the chance of an old row to be among them, by its domain, each ≥ 0; 1 for every domain that is
   * not named. All 1 unless given.
   */
  readonly domainFactors?: DomainFactors
}

/** After the update, while the learner looks after itself. */
export interface StepContext<M extends Model = Model> {
  /** Updates made, this one included. */
  readonly step: number
  readonly model: M
  /** The rows that were new in this step, in the tokens that there were then. */
  readonly fresh: BatchOf<M>
  /** The old rows that were learnt beside them; null if there were none. */
  readonly old: BatchOf<M> | null
  /** Prequential loss of each new row, in nats per token; of examples, the loss of each. */
  readonly rowLosses: readonly number[]
  /**
   * Prequential loss of each prediction of the new rows, `[B·T]` row after row, in nats; what stands for
   * padding counts for nothing. Of examples the loss of each.
   */
  readonly tokenLosses: ArrayLike<number>
  /**
   * Loss of each old row before this update, in nats per token (or example); null where it was not measured:
   * with a look-ahead, which predicts the new rows alone, and where there were no old rows.
   */
  readonly oldLosses: readonly number[] | null
  /**
   * Outputs of the model for the new rows before the update, `[N, C]` row after row; only where a part of the
   * learner says `usesLogits`.
   */
  readonly logits?: ArrayLike<number>
  /** Prequential loss of the new rows, in bits per byte; of examples, in bits for each. */
  readonly bitsPerByte: number
  /** The bytes that were predicted; none of examples. */
  readonly bytes: ArrayLike<number>
  /**
   * Prequential loss of the latest steps, this one last, in nats per byte (or example); at most `lossWindow`
   * of them.
   */
  readonly losses: readonly number[]
  /** Updates since the last drift alarm, 0 in the step that raised it; null before the first. */
  readonly stepsSinceDrift: number | null
  /** State shaped like the parameters, of all parts: whoever changes units of the model has it follow. */
  readonly mirrors: readonly Mirror[]
  /** Events of this step so far. */
  readonly events: readonly LearnerEvent[]
}
