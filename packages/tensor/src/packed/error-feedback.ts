/**
 * Rounding with error feedback (GPTQ, Frantar et al. 2023, section 3): the error of every column is made up
 * for by the columns that are not yet rounded, as far as the inputs of the map let them.
 */
import type { Fit } from './fit-scales.ts'

/**
 * Share of the mean of the diagonal that is added to it. Section 3.3 has 0.01; with products to aim at, a
 * text of ten thousand tokens wants more.
 */
const damping = 0.03

/** What rows are multiplied by, and what comes of it. */
export interface RoundedFor {
  /** XᵀX of the inputs, `[width, width]`. */
  readonly inputs: ArrayLike<number>
  /** Of each row yᵀX, y what its products shall be, `[count, width]`; those of the row unless given. */
  readonly products?: ArrayLike<number>
}

/**
 * Rounds the rows of a matrix in place, column by column, and returns the codes.
 *
 * @param rows Row-major single floats, `[count, width]`; afterwards what was rounded.
 * @param fitAt Returns how the numbers from a column of a row on are rounded, where a new group begins there.
 * @param refine Is given what each row was rounded for and its codes, and XᵀX, damped.
 */
export function roundWithFeedback(
  rows: Float32Array,
  width: number,
  { inputs, products }: RoundedFor,
  fitAt: (row: number, column: number, values: Float32Array) => Fit | undefined,
  refine?: (row: number, target: Float64Array, codes: Int8Array, damped: Float64Array) => void,
): Int8Array {
  const damped = dampedOf(inputs, width)
  const upper = inverseFactor(damped, width)
  const codes = new Int8Array(rows.length)
  for (let first = 0; first < rows.length; first += width) {
    const values = rows.subarray(first, first + width)
    if (products) values.set(nearest(values, products, first, { inputs, damped, upper }))
    const target = Float64Array.from(values)
    let fit: Fit | undefined
    for (let j = 0; j < width; j++) {
      fit = fitAt(first / width, j, values) ?? (fit as Fit)
      const code = fit.codeOf(values[j])
      codes[first + j] = code
      const at = j * width
      const error = (values[j] - (fit.minimum + fit.scale * code)) / upper[at + j]
      for (let k = j + 1; k < width; k++) values[k] -= error * upper[at + k]
    }
    refine?.(first / width, target, codes.subarray(first, first + width), damped)
  }
  return codes
}

/**
 * The row w with the products nearest to y that stays near what it was: ‖Xw − y‖² + λ‖w − w₀‖² is least where
 * (XᵀX + λ)·w = Xᵀy + λw₀, λ the damping. (Asymmetric calibration, Li et al. 2025: the inputs are those of
 * layers that are rounded already, and the products those of layers that are not.)
 */
function nearest(
  before: Float32Array,
  products: ArrayLike<number>,
  first: number,
  {
    inputs,
    damped,
    upper,
  }: { readonly inputs: ArrayLike<number>; readonly damped: Float64Array; readonly upper: Float64Array },
): Float64Array {
  const n = before.length
  const half = new Float64Array(n)
  const wanted = Float64Array.from(before, (w, i) => {
    return products[first + i] + (damped[i * n + i] - inputs[i * n + i]) * w
  })
  // (XᵀX + λ)⁻¹ = UᵀU.
  for (let i = 0; i < n; i++) half[i] = dot(upper, wanted, i * n, 0, i, n)
  const found = new Float64Array(n)
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) found[j] += upper[i * n + j] * half[i]
  return found
}

function dampedOf(inputs: ArrayLike<number>, n: number): Float64Array {
  const damped = Float64Array.from(inputs)
  let trace = 0
  for (let i = 0; i < n; i++) trace += damped[i * n + i]
  // Without any input every column counts the same.
  const damp = trace > 0 ? (damping * trace) / n : 1
  for (let i = 0; i < n; i++) damped[i * n + i] += damp
  return damped
}

/**
 * The upper triangle U with H⁻¹ = UᵀU of a damped H = XᵀX (Frantar et al. 2023, algorithm 1): the inverse of
 * the upper R with H = R·Rᵀ.
 */
function inverseFactor(damped: Float64Array, n: number): Float64Array {
  const factor = damped.slice()
  for (let j = n - 1; j >= 0; j--) {
    const pivot = Math.sqrt(factor[j * n + j] - dot(factor, factor, j * n, j * n, j + 1, n))
    factor[j * n + j] = pivot
    for (let i = 0; i < j; i++) {
      factor[i * n + j] = (factor[i * n + j] - dot(factor, factor, i * n, j * n, j + 1, n)) / pivot
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

function dot(x: Float64Array, y: Float64Array, a: number, b: number, from: number, to: number): number {
  let sum = 0
  for (let k = from; k < to; k++) sum += x[a + k] * y[b + k]
  return sum
}
