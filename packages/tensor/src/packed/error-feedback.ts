/**
 * Rounding with error feedback (GPTQ, Frantar et al. 2023, section 3): the error of every column is made up
 * for by the columns that are not yet rounded, as far as the inputs of the map let them.
 */
import type { Fit } from './fit-scales.ts'

/** Share of the mean of the diagonal that is added to it (section 3.3). */
const damping = 0.01

/**
 * Rounds the rows of a matrix in place, column by column, and returns the codes.
 *
 * @param rows Row-major single floats, `[count, width]`; afterwards what was rounded.
 * @param inputs XᵀX of the inputs, `[width, width]`.
 * @param fitAt Returns how the numbers from a column of a row on are rounded, where a new group begins there.
 */
export function roundWithFeedback(
  rows: Float32Array,
  width: number,
  inputs: ArrayLike<number>,
  fitAt: (row: number, column: number, values: Float32Array) => Fit | undefined,
): Int8Array {
  const upper = inverseFactor(inputs, width)
  const codes = new Int8Array(rows.length)
  for (let first = 0; first < rows.length; first += width) {
    const values = rows.subarray(first, first + width)
    let fit: Fit | undefined
    for (let j = 0; j < width; j++) {
      fit = fitAt(first / width, j, values) ?? (fit as Fit)
      const code = fit.codeOf(values[j])
      codes[first + j] = code
      const at = j * width
      const error = (values[j] - (fit.minimum + fit.scale * code)) / upper[at + j]
      for (let k = j + 1; k < width; k++) values[k] -= error * upper[at + k]
    }
  }
  return codes
}

/**
 * The upper triangle U with H⁻¹ = UᵀU of H = XᵀX, damped (Frantar et al. 2023, algorithm 1): the inverse of
 * the upper R with H = R·Rᵀ.
 */
function inverseFactor(inputs: ArrayLike<number>, n: number): Float64Array {
  const factor = Float64Array.from(inputs)
  let trace = 0
  for (let i = 0; i < n; i++) trace += factor[i * n + i]
  // Without any input every column counts the same.
  const damp = trace > 0 ? (damping * trace) / n : 1
  for (let i = 0; i < n; i++) factor[i * n + i] += damp
  for (let j = n - 1; j >= 0; j--) {
    const pivot = Math.sqrt(factor[j * n + j] - dot(factor, j * n, j * n, j + 1, n))
    factor[j * n + j] = pivot
    for (let i = 0; i < j; i++) {
      factor[i * n + j] = (factor[i * n + j] - dot(factor, i * n, j * n, j + 1, n)) / pivot
    }
  }
  const inverse = new Float64Array(n * n)
  for (let i = n - 1; i >= 0; i--) {
    const row = inverse.subarray(i * n, (i + 1) * n)
    for (let k = i + 1; k < n; k++) {
      const share = factor[i * n + k]
      for (let j = k; j < n; j++) row[j] -= share * inverse[k * n + j]
    }
    row[i] = 1
    for (let j = i; j < n; j++) row[j] /= factor[i * n + i]
  }
  return inverse
}

function dot(x: Float64Array, a: number, b: number, from: number, to: number): number {
  let sum = 0
  for (let k = from; k < to; k++) sum += x[a + k] * x[b + k]
  return sum
}
