// Reaches inside: what is tested here is a part of its package, not an entry point.
// The coefficients are an inner part of the backend, which no public entry point exports.
import { describe, expect, test } from 'vitest'
import {
  cosResidual,
  erfExponentResidual,
  erfResidual,
  expResidual,
  logResidual,
  sinResidual,
  tanhResidual,
} from '../../packages/tensor/src/expression/math-coefficients.ts'
import { fitSinglePrecision, largestError, type Problem } from './minimax.ts'

const coefficients = {
  cosResidual,
  erfExponentResidual,
  erfResidual,
  expResidual,
  logResidual,
  sinResidual,
  tanhResidual,
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))

/** `Σ term(k) x^(k − from)`, for residuals whose closed forms cancel near 0. */
function series(from: number, x: number, term: (k: number) => number): number {
  let sum = 0
  for (let k = from + 30; k >= from; k--) sum = sum * x + term(k)
  return sum
}

/** `1 − erf a`: near 1 by the series of erf, further out by the continued fraction (Abramowitz & Stegun 7.1.14). */
function complement(a: number): number {
  if (a < 2) return 1 - a * erfRatio(a * a)
  let fraction = 0
  for (let k = 200; k >= 1; k--) fraction = k / 2 / (a + fraction)
  return Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction)
}

/** `erf x / x` for z = x² (Abramowitz & Stegun 7.1.6). */
function erfRatio(z: number): number {
  let [term, sum] = [1, 1]
  for (let n = 1; n < 60; n++) {
    term *= (2 * z) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-z) * sum
}

const logRatio = (f: number): number => series(1, -f, (k) => 1 / k)
const tanhRatio = (z: number): number => Math.tanh(Math.sqrt(z)) / Math.sqrt(z)
const sinRatio = (z: number): number => series(0, -z, (k) => 1 / factorial(2 * k + 1))
const cosine = (z: number): number => series(0, -z, (k) => 1 / factorial(2 * k))

/** Weights turn the error of the residual into the relative error of the function. */
const problems: Record<keyof typeof coefficients, Omit<Problem, 'terms'>> = {
  expResidual: {
    from: -0.001,
    to: 0.6942,
    target: (r) => series(2, r, (k) => 1 / factorial(k)),
    weight: (r) => r ** 2 / Math.exp(r),
  },
  logResidual: {
    from: Math.SQRT1_2 - 1,
    to: Math.SQRT2 - 1,
    target: (f) =>
      Math.abs(f) < 0.1 ? series(3, -f, (k) => 1 / k) : (Math.log1p(f) - f + f ** 2 / 2) / f ** 3,
    weight: (f) => f ** 2 / (Math.abs(f) < 0.1 ? logRatio(f) : Math.log1p(f) / f),
  },
  tanhResidual: {
    from: 1e-6,
    to: 0.625 ** 2,
    target: (z) => (tanhRatio(z) - 1) / z,
    weight: (z) => z / tanhRatio(z),
  },
  erfResidual: { from: 0, to: 0.93 ** 2, target: (z) => erfRatio(z) - 1, weight: (z) => 1 / erfRatio(z) },
  erfExponentResidual: {
    from: 0.92,
    to: 4,
    target: (a) => -Math.log(complement(a)) / a - 1,
    weight: (a) => (a * complement(a)) / (1 - complement(a)),
  },
  sinResidual: {
    from: 0,
    to: 0.7855 ** 2,
    target: (z) => -series(1, -z, (k) => 1 / factorial(2 * k + 1)),
    weight: (z) => z / sinRatio(z),
  },
  cosResidual: {
    from: 0,
    to: 0.7855 ** 2,
    target: (z) => series(2, -z, (k) => 1 / factorial(2 * k)),
    weight: (z) => z ** 2 / cosine(z),
  },
}

describe('coefficients', () => {
  test.each(Object.entries(problems))('%s are as good as a fresh minimax fit', (name, problem) => {
    const ours = coefficients[name as keyof typeof coefficients]
    const wanted = { ...problem, terms: ours.length }
    const fitted = largestError(wanted, fitSinglePrecision(wanted))
    expect(largestError(wanted, ours.map(Math.fround))).toBeLessThan(1.1 * fitted)
    // A tenth of a unit in the last place leaves the rest of the error to rounding.
    expect(fitted).toBeLessThan(0.1 * 2 ** -24)
  })
})
