/** Weights of the predictions of rows: how strongly each is learnt, and in which direction. */

/** Weights of the predictions of one row; null where all are 1. */
export type RowWeights = Float32Array | null

/**
 * What a batch of rows of `length` predictions says of weights: nothing where all are 1. Of longer rows the
 * beginning counts; what comes after the end of a shorter one is padding, and gets 1.
 */
export function withWeights(
  rows: readonly RowWeights[],
  length: number,
): { readonly weights?: Float32Array } {
  if (rows.every((own) => own === null)) return {}
  const weights = new Float32Array(rows.length * length).fill(1)
  rows.forEach((own, row) => weights.set(own?.subarray(0, length) ?? [], row * length))
  return { weights }
}

interface Weighted {
  readonly rows: number
  readonly weights?: Float32Array
}

/** Copy of the weights of one row of a batch. */
export function weightsAt({ rows, weights }: Weighted, row: number): RowWeights {
  if (weights === undefined) return null
  const each = weights.length / rows
  const own = weights.slice(row * each, (row + 1) * each)
  return own.every((weight) => weight === 1) ? null : own
}

/** Copies of the weights of all rows of a batch. */
export const weightsOf = (batch: Weighted): readonly RowWeights[] =>
  Array.from({ length: batch.rows }, (_, row) => weightsAt(batch, row))
