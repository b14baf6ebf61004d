/** A line through points. */
import { meanOf } from './mean-of.ts'

/** The slope of a line and how sure it is. */
export interface Slope {
  readonly slope: number
  readonly standardError: number
}

/** Ordinary least squares of y over x, at least three points that differ in x. */
export function leastSquares(x: readonly number[], y: readonly number[]): Slope {
  const n = y.length
  const [meanX, meanY] = [meanOf(x), meanOf(y)]
  const sxx = x.reduce((total, value) => total + (value - meanX) ** 2, 0)
  const slope = y.reduce((total, value, i) => total + (x[i] - meanX) * (value - meanY), 0) / sxx
  const residual = y.reduce((total, value, i) => total + (value - meanY - slope * (x[i] - meanX)) ** 2, 0)
  return { slope, standardError: Math.sqrt(residual / (n - 2) / sxx) }
}
