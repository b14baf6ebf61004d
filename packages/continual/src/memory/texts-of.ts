/** The texts of a batch that was predicted, with what each token of them cost. */
import { rowOf, type TokenBatch, trimmed } from '../stream/batch.ts'
import type { ReadText } from './recall.ts'

/**
 * One text for each row; rows of one experience that follow each other are one.
 *
 * @param losses Of each prediction, `[B·T]`, in nats.
 */
export function textsOf(batch: TokenBatch, losses: ArrayLike<number>): ReadText[] {
  const { rows, length, domains, origins = [], isContinuous = false } = batch
  const texts: { tokens: number[]; losses: number[]; readonly row: number }[] = []
  for (let row = 0; row < rows; row++) {
    const tokens = trimmed(rowOf(batch, row))
    const own = Array.from({ length: tokens.length - 1 }, (_, i) => losses[row * length + i])
    const last = texts.at(-1)
    // The first token of the row is the last of the one before.
    if (last && isContinuous && origins[row]?.id === origins[last.row]?.id) {
      last.tokens.push(...tokens.subarray(1))
      last.losses.push(...own)
    } else texts.push({ tokens: [...tokens], losses: own, row })
  }
  return texts.map(({ tokens, losses: own, row }) => ({
    ...{ tokens: Int32Array.from(tokens), losses: Float64Array.from(own) },
    ...{ domain: domains[row], origin: origins[row] ?? null },
  }))
}
