/** Scales, and minima, with which few codes come close to many numbers. */
import { brainBits, brainFloat } from './half-floats.ts'

/** `plain` divides the range evenly; `clipped` looks for the range with the least squared error. */
export type Rounding = 'plain' | 'clipped'

/** How the numbers of a row or group become codes. */
export interface Fit {
  readonly scale: number
  readonly minimum: number
  codeOf(x: number): number
}

/** What the squared error of each number counts; 1 unless given. */
type Weights = ArrayLike<number>

/** Shares of the range that clipping tries, the whole first. */
const shares = Array.from({ length: 25 }, (_, i) => 1 - i / 50)

/** Symmetric codes from −max to max for a row: `scale · code`. */
export function fitRow(values: Float32Array, max: number, rounding: Rounding, weights?: Weights): Fit {
  const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
  const fitOf = (share: number): Fit => {
    const scale = Math.fround((largest * share) / max)
    return {
      scale,
      minimum: 0,
      codeOf: (x) => (scale === 0 ? 0 : Math.max(-max, Math.min(max, toEven(x / scale)))),
    }
  }
  return best(values, rounding, fitOf, weights)
}

/** Codes from 0 to 15 for a group: `minimum + scale · code`. Both are brain floats. */
export function fitGroup(values: Float32Array, rounding: Rounding, weights?: Weights): Fit {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const center = (low + high) / 2
  const fitOf = (share: number): Fit => {
    const even = groupFit(center + (low - center) * share, center + (high - center) * share)
    return rounding === 'plain' ? even : refit(values, even, weights)
  }
  return best(values, rounding, fitOf, weights)
}

/** The minimum is rounded down and the scale up, so that the range holds both ends. */
function groupFit(low: number, high: number): Fit {
  const minimum = brainAtMost(low)
  return lineOf(-brainAtMost(-(high - minimum) / 15), minimum)
}

function lineOf(scale: number, minimum: number): Fit {
  return {
    scale,
    minimum,
    codeOf: (x) => (scale === 0 ? 0 : Math.max(0, Math.min(15, toEven((x - minimum) / scale)))),
  }
}

/** The line of least squares through codes and numbers. */
function refit(values: Float32Array, fit: Fit, weights?: Weights): Fit {
  let [sum, sumQ, sumX, sumQQ, sumQX] = [0, 0, 0, 0, 0]
  values.forEach((x, i) => {
    const [q, weight] = [fit.codeOf(x), weights?.[i] ?? 1]
    sum += weight
    sumQ += weight * q
    sumX += weight * x
    sumQQ += weight * q * q
    sumQX += weight * q * x
  })
  const spread = sum * sumQQ - sumQ * sumQ
  if (!(spread > 0)) return fit
  const scale = brainFloat(brainBits((sum * sumQX - sumQ * sumX) / spread))
  if (!(scale > 0 && scale < Infinity)) return fit
  return lineOf(scale, brainFloat(brainBits((sumX - scale * sumQ) / sum)))
}

function best(
  values: Float32Array,
  rounding: Rounding,
  fitOf: (share: number) => Fit,
  weights?: Weights,
): Fit {
  if (rounding === 'plain') return fitOf(1)
  let found = fitOf(1)
  let least = errorOf(values, found, weights)
  for (const share of shares) {
    const fit = fitOf(share)
    const error = errorOf(values, fit, weights)
    if (error < least) [found, least] = [fit, error]
  }
  return found
}

/** The sum of squared errors. */
function errorOf(values: Float32Array, { scale, minimum, codeOf }: Fit, weights?: Weights): number {
  let sum = 0
  values.forEach((x, i) => {
    sum += (weights?.[i] ?? 1) * (minimum + scale * codeOf(x) - x) ** 2
  })
  return sum
}

/** The nearest integer, halves to the even one. */
function toEven(x: number): number {
  const rounded = Math.round(x)
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

/** The largest brain float that is not above x. */
function brainAtMost(x: number): number {
  const near = brainFloat(brainBits(x))
  if (near <= x) return near
  // One unit towards −∞: away from zero where it is negative, and from zero to the smallest negative one.
  const bits = brainBits(near)
  return brainFloat(near > 0 ? bits - 1 : near < 0 ? bits + 1 : 0x8001)
}
