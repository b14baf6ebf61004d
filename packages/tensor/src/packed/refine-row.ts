/**
 * Codes, scales and minima of a row that are already chosen, made better together: with one of them fixed,
 * the best of the others is known (coordinate descent as in CDQuant, Nair & Suggala 2024, and least squares).
 */
import { brainBits, brainFloat } from './half-floats.ts'

/** A row of int4. Codes, scales and minima change in place. */
export interface CodedRow {
  /** Numbers that the row stands for. */
  readonly target: Float64Array
  readonly codes: Int8Array
  /** One for each group; so are the minima. Both stay brain floats. */
  readonly scales: Float32Array
  readonly minima: Float32Array
}

/** Rounds over all groups and codes; later ones find next to nothing. */
const maxRounds = 3
/** Walks over the codes in a round. */
const maxWalks = 4
const maxCode = 15

/**
 * Lowers dᵀHd, d what a row lacks of its target. Nothing changes that does not lower it.
 *
 * @param size Numbers of a group.
 * @param H XᵀX of what the row is multiplied by, damped, `[width, width]`.
 */
export function refineRow(row: CodedRow, size: number, H: Float64Array): void {
  const { target, codes, scales, minima } = row
  const width = target.length
  const gradient = new Float64Array(width)
  for (let j = 0; j < width; j++) {
    const group = Math.floor(j / size)
    moveBy(gradient, H, j, minima[group] + scales[group] * codes[j] - target[j])
  }
  for (let round = 0; round < maxRounds; round++) {
    let hasChanged = false
    for (let group = 0; group < scales.length; group++) {
      hasChanged = refitGroup(row, group, size, { H, gradient }) || hasChanged
    }
    for (let walk = 0; walk < maxWalks; walk++) {
      if (!betterCodes(row, size, { H, gradient })) break
      hasChanged = true
    }
    if (!hasChanged) return
  }
}

/** Half of the gradient of dᵀHd by d: H·d. */
interface Descent {
  readonly H: Float64Array
  readonly gradient: Float64Array
}

function moveBy(gradient: Float64Array, H: Float64Array, j: number, difference: number): void {
  const at = j * gradient.length
  for (let k = 0; k < gradient.length; k++) gradient[k] += H[at + k] * difference
}

/** The scale and minimum of least dᵀHd for the codes of a group. Whether they changed. */
function refitGroup(
  { codes, scales, minima }: CodedRow,
  group: number,
  size: number,
  { H, gradient }: Descent,
): boolean {
  const width = codes.length
  const [from, to] = [group * size, Math.min(width, (group + 1) * size)]
  let [qHq, qH1, oneH1, qd, oned] = [0, 0, 0, 0, 0]
  for (let i = from; i < to; i++) {
    qd += codes[i] * gradient[i]
    oned += gradient[i]
    for (let k = from; k < to; k++) {
      const h = H[i * width + k]
      qHq += codes[i] * codes[k] * h
      qH1 += codes[i] * h
      oneH1 += h
    }
  }
  const determinant = qHq * oneH1 - qH1 * qH1
  if (!(determinant > 1e-9 * qHq * oneH1)) return false
  const scale = brainFloat(brainBits(scales[group] - (oneH1 * qd - qH1 * oned) / determinant))
  if (!(scale > 0 && scale < Infinity)) return false
  const byScale = scale - scales[group]
  const minimum = brainFloat(brainBits(minima[group] - (oned + qH1 * byScale) / oneH1))
  const byMinimum = minimum - minima[group]
  const change =
    2 * (qd * byScale + oned * byMinimum) +
    qHq * byScale ** 2 +
    2 * qH1 * byScale * byMinimum +
    oneH1 * byMinimum ** 2
  if (!(change < 0)) return false
  scales[group] = scale
  minima[group] = minimum
  for (let i = from; i < to; i++) moveBy(gradient, H, i, codes[i] * byScale + byMinimum)
  return true
}

/** Each code in turn becomes the best one, the others given. Whether any changed. */
function betterCodes({ codes, scales }: CodedRow, size: number, { H, gradient }: Descent): boolean {
  const width = codes.length
  let hasChanged = false
  for (let j = 0; j < width; j++) {
    const [scale, curvature] = [scales[Math.floor(j / size)], H[j * width + j]]
    if (scale === 0) continue
    const best = Math.round(codes[j] - gradient[j] / (curvature * scale))
    const code = Math.max(0, Math.min(maxCode, best))
    const difference = scale * (code - codes[j])
    const change = difference * (2 * gradient[j] + curvature * difference)
    // What rounding alone may explain would go back and forth.
    if (code === codes[j] || !(change < -1e-12 * curvature * scale * scale)) continue
    codes[j] = code
    moveBy(gradient, H, j, difference)
    hasChanged = true
  }
  return hasChanged
}
