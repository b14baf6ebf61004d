/** The outcome of an update, before any part reacts to it. */
import type { Batch } from '../stream/batch.ts'

/**
 * Measurements of one update. Losses are of the fresh rows, before they were learnt, in nats per token (or
 * example).
 */
export interface Learnt {
  readonly loss: number
  readonly rowLosses: readonly number[]
  /** Fresh tokens, or examples, predicted. */
  readonly tokens: number
  readonly penalties: Readonly<Record<string, number>>
  /** Infinite or NaN only where a loss scale called the update off. */
  readonly gradientNorm: number
  readonly updateNorm: number
}

/** A batch that has been learnt. */
export interface LearntBatch {
  readonly learnt: Learnt
  readonly fresh: Batch
  readonly old: Batch | null
  /** Loss of each old row before the update, in nats per prediction; null where it was not measured. */
  readonly oldLosses: readonly number[] | null
  /** Outputs for the fresh rows, where a part uses them. */
  readonly logits?: ArrayLike<number>
  /** Loss of each prediction of the fresh rows, `[B·T]`, in nats. */
  readonly tokenLosses: ArrayLike<number>
  /** The bytes that were predicted; none of examples. */
  readonly bytes: ArrayLike<number>
  /** What is on record where some of the rows were held back: of all that were observed, in order. */
  readonly observed?: {
    readonly learnt: Learnt
    readonly domains: readonly string[]
    readonly heldBack: number
  }
}
