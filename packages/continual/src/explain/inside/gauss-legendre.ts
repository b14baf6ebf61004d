/** Gauss–Legendre quadrature: the nodes and weights that integrate polynomials of degree 2n − 1 exactly. */

/** Points and weights of a rule on [0, 1]. */
export interface QuadratureRule {
  readonly nodes: readonly number[]
  /** They sum to 1. */
  readonly weights: readonly number[]
}

/** The rule of n points, by Newton's method on the Legendre polynomial (Abramowitz & Stegun 25.4.29). */
export function gaussLegendre(n: number): QuadratureRule {
  const points = Array.from({ length: n }, (_, i) => {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5))
    let slope = 1
    for (let round = 0; round < 20; round++) {
      const [value, before] = legendre(n, x)
      slope = (n * (x * value - before)) / (x * x - 1)
      const step = value / slope
      x -= step
      if (Math.abs(step) < 1e-15) break
    }
    return { node: (1 - x) / 2, weight: 1 / ((1 - x * x) * slope * slope) }
  })
  return { nodes: points.map(({ node }) => node), weights: points.map(({ weight }) => weight) }
}

/** The Legendre polynomials of degree n and n − 1 at x, by Bonnet's recursion. */
function legendre(n: number, x: number): readonly [number, number] {
  let [value, before] = [x, 1]
  for (let k = 2; k <= n; k++) [value, before] = [((2 * k - 1) * x * value - (k - 1) * before) / k, value]
  return n === 0 ? [1, 0] : [value, before]
}
