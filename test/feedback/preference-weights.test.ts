/** Weights of feedback are the slopes of the losses that the papers write down. Reaches inside: they are no export. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  acceptedWeight,
  correctedWeights,
  differenceOf,
  rejectedWeight,
  rewardedWeight,
} from '../../packages/continual/src/rehearsal/feedback/preference-weights.ts'

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const slope = (f: (x: number) => number, x: number): number => (f(x + 1e-5) - f(x - 1e-5)) / 2e-5

const ratio = fc.double({ min: -60, max: 60, noNaN: true })
const beta = fc.double({ min: 0.02, max: 0.5, noNaN: true })

test('an accepted answer has the slope of its value in KTO, and of plain likelihood', () => {
  fc.assert(
    fc.property(ratio, beta, fc.double({ min: 0, max: 1, noNaN: true }), (r, b, likelihood) => {
      const value = slope((x) => sigmoid(b * x), r)
      expect(acceptedWeight(r, { beta: b, likelihood })).toBeCloseTo((4 / b) * value + likelihood, 5)
    }),
  )
})

test('a rejected one has the slope of its own value, downwards', () => {
  fc.assert(
    fc.property(ratio, beta, (r, b) => {
      const value = slope((x) => sigmoid(-b * x), r)
      expect(rejectedWeight(r, { beta: b, likelihood: 0.3 })).toBeCloseTo((4 / b) * value, 5)
    }),
  )
})

test('a correction has the slopes of the loss of DPO', () => {
  fc.assert(
    fc.property(ratio, beta, (margin, b) => {
      const loss = slope((m) => -Math.log(sigmoid(b * m)), margin)
      const { given, wanted } = correctedWeights(margin, { beta: b, likelihood: 0.25 })
      expect(wanted - 0.25).toBeCloseTo(-(2 / b) * loss, 4)
      expect(given).toBeCloseTo((2 / b) * loss, 4)
    }),
  )
})

test('a reward pulls by its deviations, at most two, and by how much likelier a token has become, within bounds', () => {
  expect(rewardedWeight(1.5, 0, 7)).toBe(1.5)
  expect(rewardedWeight(-9, 0, 7)).toBe(-2)
  expect(rewardedWeight(1, 7 * Math.log(1.1), 7)).toBeCloseTo(1.1, 12)
  expect(rewardedWeight(1, 700, 7)).toBe(1.25)
  expect(rewardedWeight(1, -700, 7)).toBe(0.8)
})

test.each([
  ['abcde', 'abXYde', 2, 3, 4],
  ['abc', 'abc', 3, 3, 3],
  ['', 'ab', 0, 0, 2],
  // What both begin and end with is counted once.
  ['aa', 'aaa', 2, 2, 3],
  ['xbc', 'ybc', 0, 1, 1],
])('of %o and %o the parts that differ are found', (a, b, from, endOfA, endOfB) => {
  const codes = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0))
  expect(differenceOf(codes(a), codes(b))).toEqual({ from, endOfA, endOfB })
})
