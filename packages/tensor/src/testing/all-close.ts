/** Comparisons of numbers for tests of ops, kernels and gradients. */
import { checkArgument } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'

/**
 * The largest difference of two lists, each divided by max(1, |expected|): absolute near 0, relative far from
 * it. Equal infinities and a NaN on both sides count as equal; anything else non-finite counts as ∞.
 */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  checkArgument('largestDifference', 'actual', actual, checks.numbers)
  checkArgument('largestDifference', 'expected', expected, checks.numbers)
  if (actual.length !== expected.length) return Infinity
  let worst = 0
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i], expected[i]]
    if (Object.is(a, e) || a === e) continue
    const difference = Math.abs(a - e) / Math.max(1, Math.abs(e))
    worst = Math.max(worst, Number.isNaN(difference) ? Infinity : difference)
  }
  return worst
}

/** Whether two lists agree to `tolerance` in the sense of `largestDifference`. */
export function allClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): boolean {
  checkArgument('allClose', 'actual', actual, checks.numbers)
  checkArgument('allClose', 'expected', expected, checks.numbers)
  checkArgument('allClose', 'tolerance', tolerance, checks.number({ from: 0, infinite: true }))
  return largestDifference(actual, expected) <= tolerance
}
