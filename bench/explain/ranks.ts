/** Rank correlation. */
import { mean } from '../benchmark.ts'

/** Ranks from 0, equal values sharing the mean of theirs. */
function ranksOf(values: readonly number[]): number[] {
  const below = (value: number): number => values.filter((other) => other < value).length
  const equal = (value: number): number => values.filter((other) => other === value).length
  return values.map((value) => below(value) + (equal(value) - 1) / 2)
}

/** Spearman's coefficient, from −1 to 1. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranksOf(a), ranksOf(b)]
  const [mx, my] = [mean(x), mean(y)]
  const sum = (f: (i: number) => number): number => x.reduce((total, _, i) => total + f(i), 0)
  const covariance = sum((i) => (x[i] - mx) * (y[i] - my))
  return covariance / Math.sqrt(sum((i) => (x[i] - mx) ** 2) * sum((i) => (y[i] - my) ** 2))
}
