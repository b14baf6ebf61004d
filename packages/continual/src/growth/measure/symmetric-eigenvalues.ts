/** Eigenvalues of a small symmetric matrix, in double precision. */

/**
 * All eigenvalues of a symmetric matrix, in ascending order: reflections bring it to three diagonals
 * (Householder 1958), where signs of leading minors tell how many eigenvalues lie below a number, and halving
 * finds each (Givens 1954). Takes 4/3·n³ operations.
 *
 * @param matrix n·n numbers; only the lower triangle is read.
 */
export function symmetricEigenvalues(matrix: ArrayLike<number>, n: number): number[] {
  const { diagonal, beside } = tridiagonal(Float64Array.from(matrix), n)
  const squares = beside.map((x) => x * x)
  const reach = diagonal.map((_, i) => Math.abs(beside[i - 1] ?? 0) + Math.abs(beside[i] ?? 0))
  const [lowest, highest] = diagonal.reduce(
    ([low, high], d, i) => [Math.min(low, d - reach[i]), Math.max(high, d + reach[i])],
    [Infinity, -Infinity],
  )
  const tolerance = 2 ** -52 * Math.max(Math.abs(lowest), Math.abs(highest))
  return diagonal.map((_, k) => {
    let [low, high] = [lowest, highest]
    while (high - low > tolerance) {
      const middle = (low + high) / 2
      if (middle <= low || middle >= high) break
      if (countBelow(diagonal, squares, middle) > k) high = middle
      else low = middle
    }
    return (low + high) / 2
  })
}

/** By similarity: `a` is overwritten. */
function tridiagonal(a: Float64Array, n: number): { diagonal: number[]; beside: number[] } {
  const [v, w] = [new Float64Array(n), new Float64Array(n)]
  const beside: number[] = []
  for (let k = 0; k + 1 < n; k++) {
    let squares = 0
    for (let i = k + 1; i < n; i++) squares += a[i * n + k] ** 2
    const norm = Math.sqrt(squares)
    const first = a[(k + 1) * n + k]
    const reflected = first > 0 ? -norm : norm
    beside.push(reflected)
    if (norm === 0) continue
    // v takes the column below the diagonal to its first entry: H = I − v·vᵀ/h with h = v·v/2.
    for (let i = k + 1; i < n; i++) v[i] = a[i * n + k]
    v[k + 1] = first - reflected
    const h = norm * norm - first * reflected
    w.fill(0)
    for (let i = k + 1; i < n; i++) {
      for (let j = k + 1; j < i; j++) {
        w[i] += a[i * n + j] * v[j]
        w[j] += a[i * n + j] * v[i]
      }
      w[i] += a[i * n + i] * v[i]
    }
    // H·A·H = A − v·wᵀ − w·vᵀ with w = A·v/h − v·(v·A·v)/(2h²)
    let along = 0
    for (let i = k + 1; i < n; i++) along += (w[i] / h) * v[i]
    for (let i = k + 1; i < n; i++) w[i] = w[i] / h - (along / (2 * h)) * v[i]
    for (let i = k + 1; i < n; i++) {
      for (let j = k + 1; j <= i; j++) a[i * n + j] -= v[i] * w[j] + w[i] * v[j]
    }
  }
  return { diagonal: Array.from({ length: n }, (_, i) => a[i * n + i]), beside }
}

/**
 * How many eigenvalues are below x: as many as the pivots of A − x·I that are negative (Sylvester's law of
 * inertia).
 */
function countBelow(diagonal: readonly number[], squares: readonly number[], x: number): number {
  let [count, pivot] = [0, 1]
  for (let i = 0; i < diagonal.length; i++) {
    pivot = diagonal[i] - x - (i === 0 ? 0 : squares[i - 1] / pivot)
    if (pivot === 0) pivot = Number.MIN_VALUE * 2 ** 60
    if (pivot < 0) count++
  }
  return count
}
