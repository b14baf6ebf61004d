/**
 * Minimax polynomials: the coefficients in `math-coefficients.ts` are what `fitSinglePrecision` returns, and a test
 * beside this file holds them to it.
 */

/** Wanted: the polynomial of `terms` terms that minimises the largest `|weight(x) · (Σ cₖ xᵏ − target(x))|`. */
export interface Problem {
  readonly from: number
  readonly to: number
  readonly terms: number
  readonly target: (x: number) => number
  readonly weight: (x: number) => number
}

/**
 * Fits, rounds the lowest coefficient to single precision, fits the others again, and so on: the later coefficients
 * make up for the rounding of the earlier ones.
 */
export function fitSinglePrecision(problem: Problem): number[] {
  const coefficients: number[] = []
  while (coefficients.length < problem.terms)
    coefficients.push(Math.fround(fitRest(problem, coefficients)[0]))
  return coefficients
}

/** The largest weighted error of a polynomial. */
export function largestError(problem: Problem, coefficients: readonly number[]): number {
  return Math.max(...grid(problem, 4001).map((x) => Math.abs(errorAt(problem, coefficients, x))))
}

/**
 * The coefficients that follow `known` ones, by Lawson's algorithm (1961): least squares again and again, each point
 * weighted in proportion to its error so far, until the largest errors are level.
 */
function fitRest(problem: Problem, known: readonly number[]): number[] {
  const points = grid(problem, 501)
  // Powers of x / scale keep the normal equations well conditioned.
  const scale = Math.max(Math.abs(problem.from), Math.abs(problem.to))
  const powers = Array.from({ length: problem.terms - known.length }, (_, k) => known.length + k)
  const rows = points.map((x) => powers.map((k) => problem.weight(x) * (x / scale) ** k))
  const wanted = points.map((x) => -errorAt(problem, known, x))
  let importance = points.map(() => 1 / points.length)
  let best: { level: number; coefficients: number[] } = { level: Infinity, coefficients: [] }
  for (let round = 0; round < 200; round++) {
    const coefficients = leastSquares(rows, wanted, importance)
    const errors = rows.map((row, i) => Math.abs(dot(row, coefficients) - wanted[i]))
    const level = Math.max(...errors)
    if (level < best.level) best = { level, coefficients }
    const raised = importance.map((value, i) => value * errors[i])
    const total = raised.reduce((sum, value) => sum + value)
    importance = raised.map((value) => value / total)
  }
  return best.coefficients.map((c, i) => c / scale ** powers[i])
}

/** Points that crowd towards both ends, where error curves turn fastest. */
function grid({ from, to }: Problem, count: number): number[] {
  return Array.from(
    { length: count },
    (_, i) => (from + to) / 2 - ((to - from) / 2) * Math.cos((Math.PI * (i + 0.5)) / count),
  )
}

function errorAt({ weight, target }: Problem, coefficients: readonly number[], x: number): number {
  return weight(x) * (coefficients.reduceRight((sum, c) => sum * x + c, 0) - target(x))
}

const dot = (x: readonly number[], y: readonly number[]): number =>
  x.reduce((sum, value, i) => sum + value * y[i], 0)

/** Minimises `Σ importanceᵢ (rowᵢ · c − wantedᵢ)²` through the normal equations. */
function leastSquares(
  rows: readonly number[][],
  wanted: readonly number[],
  importance: readonly number[],
): number[] {
  const n = rows[0].length
  const system = Array.from({ length: n }, () => new Array<number>(n + 1).fill(0))
  rows.forEach((row, i) => {
    for (let a = 0; a < n; a++) {
      const factor = importance[i] * row[a]
      for (let b = 0; b < n; b++) system[a][b] += factor * row[b]
      system[a][n] += factor * wanted[i]
    }
  })
  return solve(system)
}

/** Gaussian elimination with row pivoting; each row ends with its right-hand side. */
function solve(rows: number[][]): number[] {
  const n = rows.length
  for (let k = 0; k < n; k++) {
    const pivot = rows.reduce(
      (best, row, i) => (i >= k && Math.abs(row[k]) > Math.abs(rows[best][k]) ? i : best),
      k,
    )
    ;[rows[k], rows[pivot]] = [rows[pivot], rows[k]]
    for (let i = 0; i < n; i++) {
      if (i === k) continue
      const factor = rows[i][k] / rows[k][k]
      rows[i] = rows[i].map((value, j) => value - factor * rows[k][j])
    }
  }
  return rows.map((row, i) => row[n] / row[i])
}
