/** The smallest value of a quadratic function over numbers that are not negative. */

/** Numbers that may become free before the search ends: far more than there can be, but for rounding. */
const maxChanges = 1000

/**
 * Minimizes ½·vᵀAv + bᵀv over v ≥ 0, for a symmetric A that is nowhere negative, such as the products of some
 * vectors with each other: the active-set method of Lawson & Hanson (1974, chapter 23) in the form of normal
 * equations. Exact but for rounding, in a finite number of steps; of vectors that depend on each other some
 * stay at 0.
 *
 * @param a `[n][n]`, with a diagonal of ones or of numbers of that size.
 * @param b `[n]`; where A·x = 0 and x ≥ 0, b·x ≥ 0, or there is no minimum. Products of one vector with those
 *   of A are so.
 * @returns v: with w = Av + b, v ≥ 0, w ≥ 0 and v·w = 0 but for rounding.
 */
export function nonNegativeMinimum(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const n = b.length
  const v = new Array<number>(n).fill(0)
  const isFree = new Array<boolean>(n).fill(false)
  const isDependent = new Array<boolean>(n).fill(false)
  const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
  const tolerance = 1e-12 * largest
  for (let change = 0; change < maxChanges; change++) {
    const down = b.map((x, i) => -(x + a[i].reduce((sum, y, j) => sum + y * v[j], 0)))
    const next = down.reduce(
      (best, x, i) =>
        !isFree[i] && !isDependent[i] && x > tolerance && (best < 0 || x > down[best]) ? i : best,
      -1,
    )
    if (next < 0) return v
    isFree[next] = true
    for (;;) {
      const free = isFree.flatMap((is, i) => (is ? [i] : []))
      const solved = solve(
        free.map((i) => free.map((j) => a[i][j])),
        free.map((i) => -b[i]),
      )
      if (solved === null) {
        // It depends on the others, which do what it would.
        isFree[next] = false
        isDependent[next] = true
        break
      }
      const least = Math.min(...solved)
      if (least > 0) {
        free.forEach((i, k) => {
          v[i] = solved[k]
        })
        isDependent.fill(false)
        break
      }
      // As far as the first number that would become negative; that one stays at 0.
      const shares = free.map((i, k) => (solved[k] > 0 ? Infinity : v[i] / (v[i] - solved[k])))
      const share = Math.min(...shares)
      free.forEach((i, k) => {
        v[i] = shares[k] === share ? 0 : v[i] + share * (solved[k] - v[i])
        if (shares[k] === share) isFree[i] = false
      })
      if (!isFree[next]) {
        isDependent[next] = true
        break
      }
    }
  }
  return v
}

/** A pivot no larger than this is rounding: the row depends on those before it. */
const leastPivot = 1e-12

/** Solves A·x = b by the Cholesky factors of A; null where a row depends on the others. */
function solve(a: number[][], b: readonly number[]): number[] | null {
  const n = b.length
  const lower = a.map(() => new Array<number>(n).fill(0))
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i][j]
      for (let k = 0; k < j; k++) sum -= lower[i][k] * lower[j][k]
      if (i !== j) lower[i][j] = sum / lower[j][j]
      else if (sum > leastPivot) lower[i][i] = Math.sqrt(sum)
      else return null
    }
  }
  const x = [...b]
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] -= lower[i][k] * x[k]
    x[i] /= lower[i][i]
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] -= lower[k][i] * x[k]
    x[i] /= lower[i][i]
  }
  return x
}
