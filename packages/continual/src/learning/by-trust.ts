/** How far rows are trusted, in a step: by their share of the batch, and by the size of the update. */
import { type Batch, isTokenBatch, padding, predictionsOf, rowsBetween } from '../stream/batch.ts'

/** Share of a batch that rows which are not fully trusted have at most, where there are others. */
export const mostUntrusted = 0.25

/** What rows weigh in a step. */
export interface Trusted {
  /** The rows, with weights where some are not fully trusted. */
  readonly fresh: Batch
  readonly old: Batch | null
  /** Factor of the update. 1 where there are trusted rows, or nothing else. */
  readonly factor: number
}

/**
 * Old rows that are wanted for each that would come, so that trusted ones can outweigh the fresh rows that
 * are not: 1 where these are trusted.
 */
export function dilution(fresh: Batch): number {
  const { trusted, untrusted } = countsOf([fresh])
  if (untrusted === 0) return 1
  return Math.max(1, (untrusted * (1 / mostUntrusted - 1) - trusted) / predictionsIn(fresh))
}

/**
 * Weighs rows by their trust t. Rows of t < 1 count t each, and together no more than a quarter of what all
 * rows count. Where no row is trusted nothing can outweigh them, and an optimizer that divides by the size of
 * gradients, as Adam does, would undo any weight: there the update itself is multiplied by their mean trust,
 * too. Weights of the model that see untrusted rows alone still move as far as Adam lets them, whatever the
 * share. Rows that nothing is known of are trusted.
 *
 * @param isOldBeside Whether the old rows are in the mean loss, beside the fresh ones.
 */
export function byTrust(fresh: Batch, old: Batch | null, isOldBeside: boolean): Trusted {
  const { trusted, untrusted, untrustedRows } = countsOf(old !== null && isOldBeside ? [fresh, old] : [fresh])
  if (untrustedRows === 0 && !isUntrusted(old)) return { fresh, old, factor: 1 }
  const room = (trusted * mostUntrusted) / (1 - mostUntrusted)
  const scale = trusted > 0 && untrusted > room ? room / untrusted : 1
  return {
    fresh: weighted(fresh, scale),
    old: old && weighted(old, isOldBeside ? scale : 1),
    factor: trusted === 0 && untrustedRows > 0 ? untrusted / untrustedRows : 1,
  }
}

const trustOf = ({ origins }: Batch, row: number): number => origins?.[row]?.trust ?? 1

const isUntrusted = (batch: Batch | null): boolean =>
  batch?.origins?.some((origin) => (origin?.trust ?? 1) < 1) === true

/** Predictions of trusted rows; those of others, and the same times their trust. */
function countsOf(batches: readonly Batch[]): Record<'trusted' | 'untrusted' | 'untrustedRows', number> {
  const counts = { trusted: 0, untrusted: 0, untrustedRows: 0 }
  for (const batch of batches) {
    for (let row = 0; row < batch.rows; row++) {
      const [trust, predictions] = [trustOf(batch, row), predictionsIn(rowsBetween(batch, row, row + 1))]
      if (trust === 1) counts.trusted += predictions
      else {
        counts.untrusted += trust * predictions
        counts.untrustedRows += predictions
      }
    }
  }
  return counts
}

/** Predictions that count. */
function predictionsIn(batch: Batch): number {
  if (!isTokenBatch(batch)) return batch.rows
  const { rows, tokens, length } = batch
  let count = 0
  for (let i = 0; i < tokens.length; i++) if (i % (length + 1) !== 0 && tokens[i] !== padding) count++
  return rows === 0 ? 0 : count
}

/** The batch with each row's weights times its trust, and times `scale` where it is not fully trusted. */
function weighted<B extends Batch>(batch: B, scale: number): B {
  if (!isUntrusted(batch)) return batch
  const weights = batch.weights?.slice() ?? new Float32Array(predictionsOf(batch)).fill(1)
  const each = weights.length / batch.rows
  for (let i = 0; i < weights.length; i++) {
    const trust = trustOf(batch, Math.floor(i / each))
    if (trust < 1) weights[i] *= trust * scale
  }
  return { ...batch, weights }
}
