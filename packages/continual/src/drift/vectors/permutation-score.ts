/** How unlikely the newest of some vectors are to be of the kind of the others, by permutations. */
import type { RandomStream } from '@burgeon/tensor'

/** Draws `many` subsets of `size` places out of `count`, without order. */
export function drawSubsets(random: RandomStream, count: number, size: number, many: number): Int32Array[] {
  return Array.from({ length: many }, () => {
    const places = Int32Array.from({ length: count }, (_, i) => i)
    for (let i = 0; i < size; i++) {
      const at = i + random.below(count - i)
      const place = places[at]
      places[at] = places[i]
      places[i] = place
    }
    return places.slice(0, size)
  })
}

/** Kernel values of all pairs, row by row. */
export interface Gram {
  readonly values: Float64Array
  readonly count: number
}

/**
 * The unbiased MMD² (Gretton et al. 2012, eq. 3) between the chosen vectors and all others, measured by its
 * values for permutations of the same vectors: in standard deviations of the normal distribution, as a gamma
 * distribution with their first three moments has it (Pearson type III; Wilson & Hilferty 1931 for its
 * quantiles). So one threshold means the same for all data, far beyond what the permutations alone could
 * show. 0 where all vectors are equal.
 */
export function permutationScore(gram: Gram, chosen: Int32Array, subsets: readonly Int32Array[]): number {
  const { values, count } = gram
  const rowSums = new Float64Array(count)
  let total = 0
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) if (i !== j) rowSums[i] += values[i * count + j]
    total += rowSums[i]
  }
  const [m, n] = [chosen.length, count - chosen.length]
  const discrepancy = (subset: Int32Array): number => {
    let [inside, both] = [0, 0]
    for (let a = 0; a < m; a++) {
      both += rowSums[subset[a]]
      const row = subset[a] * count
      for (let b = 0; b < a; b++) inside += 2 * values[row + subset[b]]
    }
    const between = both - inside
    const outside = total - 2 * between - inside
    return outside / (n * (n - 1)) + inside / (m * (m - 1)) - (2 * between) / (m * n)
  }
  const drawn = subsets.map(discrepancy)
  const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length
  const moment = (power: number): number =>
    drawn.reduce((sum, x) => sum + (x - mean) ** power, 0) / drawn.length
  const deviation = Math.sqrt(moment(2))
  // Rounding alone moves it by less.
  if (deviation < 1e-12) return 0
  const shape = 4 / Math.max(leastSkewness, moment(3) / deviation ** 3) ** 2
  const score = (discrepancy(chosen) - mean) / deviation
  return 3 * Math.sqrt(shape) * (Math.cbrt(1 + score / Math.sqrt(shape)) - 1 + 1 / (9 * shape))
}

/** MMD² is skewed to the right; fewer than many permutations may not show it. */
const leastSkewness = 0.3
