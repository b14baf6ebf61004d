/** Probabilities of one prediction at a temperature. */

/** A distribution over tokens. */
export interface Distribution {
  /** `[V]`, summing to 1. */
  readonly probabilities: Float64Array
  /** ln Σ exp(β·z), for −ln p. */
  readonly logPartition: number
}

/**
 * p = softmax(β·z) of one row of logits.
 *
 * @param from Where the row begins.
 * @param beta Inverse of the temperature, > 0.
 */
export function softmaxAt(
  logits: ArrayLike<number>,
  from: number,
  vocabulary: number,
  beta: number,
): Distribution {
  const probabilities = new Float64Array(vocabulary)
  let top = -Infinity
  for (let v = 0; v < vocabulary; v++) top = Math.max(top, logits[from + v])
  let total = 0
  for (let v = 0; v < vocabulary; v++) {
    const weight = Math.exp(beta * (logits[from + v] - top))
    probabilities[v] = weight
    total += weight
  }
  for (let v = 0; v < vocabulary; v++) probabilities[v] /= total
  return { probabilities, logPartition: beta * top + Math.log(total) }
}
