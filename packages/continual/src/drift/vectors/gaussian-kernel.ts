/** A Gaussian kernel of two widths that the data suggest. */

/** Divisors of the components, and of a squared distance. */
export interface KernelScale {
  /** Standard deviation of each component, > 0. */
  readonly deviations: readonly number[]
  /** Median squared distance between two vectors, in standard deviations; > 0. */
  readonly width: number
}

/** A vector as it is kept. */
export type Vector = readonly number[]

/**
 * Takes the scale of at least two vectors: each component in its own standard deviations, and the median
 * heuristic (Gretton et al. 2012, section 8) for the width. So the kernel is the same whatever the unit of a
 * component.
 */
export function kernelScaleOf(vectors: readonly Vector[]): KernelScale {
  const n = vectors.length
  const deviations = vectors[0].map((_, component) => {
    const mean = vectors.reduce((sum, vector) => sum + vector[component], 0) / n
    const squares = vectors.reduce((sum, vector) => sum + (vector[component] - mean) ** 2, 0)
    // The floor is what rounding does to a constant component.
    return Math.max(Math.sqrt(squares / n), 1e-9 * Math.abs(mean) + 1e-12)
  })
  const distances = new Float64Array((n * (n - 1)) / 2)
  let at = 0
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) distances[at++] = squaredDistance(vectors[i], vectors[j], deviations)
  }
  const median = distances.sort()[distances.length >> 1]
  return { deviations, width: median > 0 ? median : 1 }
}

/**
 * How many times narrower the second width is: the wide one hears means, this one how components move
 * together.
 */
const narrower = 8

/** k(x, y) = ½·(exp(−‖x − y‖²/width) + exp(−8·‖x − y‖²/width)), the distance in standard deviations. */
export function kernel(x: Vector, y: Vector, { deviations, width }: KernelScale): number {
  const distance = squaredDistance(x, y, deviations) / width
  return (Math.exp(-distance) + Math.exp(-narrower * distance)) / 2
}

function squaredDistance(x: Vector, y: Vector, deviations: readonly number[]): number {
  let sum = 0
  for (let c = 0; c < deviations.length; c++) sum += ((x[c] - y[c]) / deviations[c]) ** 2
  return sum
}
