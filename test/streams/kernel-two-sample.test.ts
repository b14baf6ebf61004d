// Reaches inside: the score is a part of its package, not an entry point.
/** The kernel two-sample test on streams of vectors: what it hears that no detector of single numbers does, and its false alarms. */
import {
  adaptiveWindowing,
  kernelTwoSample,
  kswin,
  SignalError,
  standardized,
  type VectorDetector,
} from '@burgeon/continual'
import { OptionError, StateError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { permutationScore } from '../../packages/continual/src/drift/vectors/permutation-score.ts'
import { SeededStream } from './seeded-stream.ts'

type Source = (stream: SeededStream) => number[]

const normal =
  (components: number, mean = 0, deviation = 1): Source =>
  (stream) =>
    Array.from({ length: components }, () => mean + deviation * stream.gaussian())

/** Standard normal components, any two of which have this correlation. */
const together =
  (components: number, correlation: number): Source =>
  (stream) => {
    const shared = stream.gaussian()
    const own = Math.sqrt(1 - correlation)
    return Array.from({ length: components }, () => Math.sqrt(correlation) * shared + own * stream.gaussian())
  }

/** Vectors of a stream that changes at 400. */
function changing(seed: number, before: Source, after: Source): number[][] {
  const stream = new SeededStream(seed)
  return Array.from({ length: 600 }, (_, i) => (i < 400 ? before : after)(stream))
}

/** Indices of alarms. */
const alarms = (detector: VectorDetector, vectors: readonly (readonly number[])[]): number[] =>
  vectors.flatMap((vector, i) => (detector.update(vector).drift ? [i] : []))

describe('it hears a change', () => {
  test.each<[what: string, after: Source, delay: number]>([
    ['of all means by half a deviation', normal(8, 0.5), 60],
    ['of all means by one', normal(8, 1), 40],
    ['of all variances', normal(8, 0, 1.5), 60],
    ['of the covariance alone', together(8, 0.8), 80],
  ])('%s, soon and once', (_, after, delay) => {
    for (const seed of [1, 2, 3]) {
      const found = alarms(kernelTwoSample(), changing(seed, normal(8), after))
      expect(found).toHaveLength(1)
      expect(found[0]).toBeGreaterThanOrEqual(400)
      expect(found[0]).toBeLessThan(400 + delay)
    }
  })

  test('of the covariance, of which no component alone tells anything', () => {
    for (const seed of [1, 2, 3]) {
      const vectors = changing(seed, normal(8), together(8, 0.8))
      for (const make of [() => standardized(adaptiveWindowing()), () => kswin({ alpha: 1e-5 })]) {
        const detectors = Array.from({ length: 8 }, make)
        const heard = vectors.flatMap((vector, i) =>
          vector.some((value, c) => detectors[c].update(value).drift) ? [i] : [],
        )
        expect(heard).toEqual([])
      }
    }
  })

  test('whatever the units of the components', () => {
    const vectors = changing(4, normal(3), normal(3, 1))
    // Powers of two, so that nothing is rounded otherwise.
    const scaled = vectors.map(([x, y, z]) => [x * 2 ** 20, y * 2 ** -30, z])
    const found = alarms(kernelTwoSample(), vectors)
    expect(found).toHaveLength(1)
    expect(alarms(kernelTwoSample(), scaled)).toEqual(found)
  })

  test('of a component that was constant', () => {
    const vectors = changing(
      5,
      (stream) => [stream.gaussian(), 7],
      (stream) => [stream.gaussian(), 8],
    )
    const found = alarms(kernelTwoSample(), vectors)
    expect(found).toHaveLength(1)
    expect(found[0]).toBeGreaterThan(400)
    expect(found[0]).toBeLessThan(440)
  })
})

describe('it is silent', () => {
  test.each([1, 2, 16])('on vectors of %i components that stay as they are', (components) => {
    for (const seed of [11, 12]) {
      const stream = new SeededStream(seed)
      const vectors = Array.from({ length: 2500 }, () => normal(components)(stream))
      expect(alarms(kernelTwoSample({ permutations: 100 }), vectors)).toEqual([])
    }
  })
  test('on heavy tails and on skewed numbers', () => {
    const sources: Source[] = [
      (stream) => [1 / stream.uniform(), 1 / stream.uniform()],
      (stream) => [Math.exp(stream.gaussian()), stream.bernoulli(0.05)],
    ]
    for (const source of sources) {
      const stream = new SeededStream(21)
      const vectors = Array.from({ length: 2500 }, () => source(stream))
      expect(alarms(kernelTwoSample(), vectors)).toEqual([])
    }
  })
  test('where all vectors are equal', () => {
    expect(
      alarms(
        kernelTwoSample(),
        Array.from({ length: 400 }, () => [3, 3]),
      ),
    ).toEqual([])
  })
  test('about what is slower than its window', () => {
    const stream = new SeededStream(31)
    const drifting = Array.from({ length: 2500 }, (_, i) => [i / 1000 + stream.gaussian(), stream.gaussian()])
    expect(alarms(kernelTwoSample(), drifting)).toEqual([])
  })
})

test('the score is that of the discrepancy among those of permutations, computed by hand', () => {
  // Four vectors of which two pairs are equal: k = 1 within a pair, 0 between. n = m = 2.
  const values = Float64Array.from([1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1])
  const pair = (i: number, j: number): Int32Array => Int32Array.from([i, j])
  // Apart, a pair has 2/2 + 2/2 − 2·0/4 = 2; mixed, 0 + 0 − 2·2/4 = −1. Of all six subsets two give 2 and four give −1:
  // mean 0, deviation √2, skewness (2·8 − 4)/6/2^1.5 = 0.70711, shape 4/0.5 = 8.
  const subsets = [pair(0, 1), pair(2, 3), pair(0, 2), pair(0, 3), pair(1, 2), pair(1, 3)]
  const score = (x: number): number => 3 * Math.sqrt(8) * (Math.cbrt(1 + x / Math.sqrt(8)) - 1 + 1 / 72)
  expect(permutationScore({ values, count: 4 }, pair(2, 3), subsets)).toBeCloseTo(score(2 / Math.SQRT2), 12)
  expect(permutationScore({ values, count: 4 }, pair(0, 2), subsets)).toBeCloseTo(score(-1 / Math.SQRT2), 12)
})

test('what is no vector of the stream, and options out of range, are refused', () => {
  const detector = kernelTwoSample()
  detector.update([1, 2])
  expect(() => detector.update([1])).toThrow(/got a vector of 1 numbers; expected 2, as before/)
  expect(() => detector.update([1, Number.NaN])).toThrow(SignalError)
  expect(() => kernelTwoSample().update([])).toThrow(SignalError)
  for (const wrong of [{ threshold: 0 }, { recent: 4 }, { clock: 0 }, { permutations: 1 }, { recent: 300 }])
    expect(() => kernelTwoSample(wrong)).toThrow(OptionError)
  expect(() => detector.restore(kernelTwoSample({ seed: 1 }).toState())).toThrow(StateError)
  const state = detector.toState() as object
  for (const wrong of [
    { vectors: [[1, 2], [1]] },
    { vectors: [[]] },
    { scale: { deviations: [1, 1], width: 1 } },
  ])
    expect(() => kernelTwoSample().restore({ ...state, ...wrong })).toThrow(/window is damaged/)
})
