/** Scores of probabilities, computed by hand; and what retained accuracy costs. */
import { calibrationOf, retainedCost } from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import fc from 'fast-check'
import { expect, test } from 'vitest'

/** Four predictions of two classes. */
const scores = [0.9, 0.1, 0.6, 0.4, 0.2, 0.8, 0.55, 0.45]
const labels = [0, 1, 1, 0]

test('four predictions of two classes', () => {
  const found = calibrationOf({ scores, labels, classes: 2, bins: 2 })
  expect(found.rows).toBe(4)
  expect(found.accuracy).toBe(3 / 4)
  expect(found.negativeLogLikelihood).toBeCloseTo(-Math.log(0.9 * 0.4 * 0.8 * 0.55) / 4, 14)
  expect(found.brier).toBeCloseTo((2 * (0.01 + 0.36 + 0.04 + 0.2025)) / 4, 14)
  // All four confidences (0.9, 0.6, 0.8, 0.55) lie in the upper of two bins: |3/4 − 2.85/4|.
  expect(found.expectedCalibrationError).toBeCloseTo((3 - 2.85) / 4, 14)
  expect(found.maximumCalibrationError).toBeCloseTo((3 - 2.85) / 4, 14)
  // Class 0 in the lower bin: 0.2, of which none came; in the upper one 0.9, 0.6, 0.55, of which two came.
  expect(found.byClass[0]).toBeCloseTo((0.2 + Math.abs(2.05 - 2)) / 4, 14)
  // Class 1: 0.1, 0.4, 0.45 in the lower bin, of which one came; 0.8 in the upper one, which came.
  expect(found.byClass[1]).toBeCloseTo((Math.abs(0.95 - 1) + 0.2) / 4, 14)
})

test('finer bins tell differences that coarse ones hide, and edges belong to the bin below', () => {
  const found = calibrationOf({ scores, labels, classes: 2, bins: 10 })
  // 0.9 is the upper edge of (0.8, 0.9], 0.6 of (0.5, 0.6], where 0.55 lies, too; 0.8 of (0.7, 0.8].
  expect(found.expectedCalibrationError).toBeCloseTo((0.1 + Math.abs(1.15 - 1) + 0.2) / 4, 14)
  expect(found.maximumCalibrationError).toBeCloseTo(0.2, 14)
})

test('honest probabilities have no error, and certain ones all or nothing', () => {
  const honest = calibrationOf({
    scores: [0.75, 0.25, 0.75, 0.25, 0.75, 0.25, 0.75, 0.25],
    labels: [0, 0, 1, 0],
    classes: 2,
  })
  expect(honest.expectedCalibrationError).toBe(0)
  const certain = calibrationOf({ scores: [1, 0, 0, 1, 0, 0], labels: [1, 2], classes: 3 })
  expect(certain).toEqual({
    rows: 2,
    accuracy: 0,
    negativeLogLikelihood: Infinity,
    brier: 2,
    expectedCalibrationError: 1,
    maximumCalibrationError: 1,
    byClass: [1, 0.5, 0.5],
  })
})

test('logits give what their probabilities give, however large they are', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.double({ min: -6, max: 6, noNaN: true }), { minLength: 3, maxLength: 3 }), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.integer({ min: -600, max: 600 }),
      (rows, shift) => {
        const own = rows.map((_, i) => i % 3)
        const probabilities = rows.flatMap((row) => {
          const parts = row.map((x) => Math.exp(x))
          return parts.map((x) => x / parts.reduce((a, b) => a + b, 0))
        })
        const logits = rows.flatMap((row) => row.map((x) => x + shift))
        const a = calibrationOf({ scores: logits, labels: own, classes: 3, scale: 'logits' })
        const b = calibrationOf({ scores: probabilities, labels: own, classes: 3 })
        expect(a.negativeLogLikelihood).toBeCloseTo(b.negativeLogLikelihood, 9)
        expect(a.brier).toBeCloseTo(b.brier, 9)
      },
    ),
  )
})

test.each<[string, Partial<Parameters<typeof calibrationOf>[0]>]>([
  ['scores of other numbers of rows', { scores: [0.5, 0.5] }],
  ['no rows', { scores: [], labels: [] }],
  ['a label that is no class', { labels: [0, 1, 2, 0] }],
  ['rows that do not add up', { scores: scores.map((p) => p / 2) }],
  ['negative probabilities', { scores: [1.5, -0.5, ...scores.slice(2)] }],
  ['logits that are none', { scores: [Number.NaN, ...scores.slice(1)], scale: 'logits' }],
  ['one class', { classes: 1 }],
  ['no bins', { bins: 0 }],
])('refuses %s', (_, wrong) => {
  expect(() => calibrationOf({ scores, labels, classes: 2, ...wrong })).toThrow(OptionError)
})

test('retained accuracy has a price by point, where there is any', () => {
  const run = { accuracy: 0.75, unprotected: 0.25, flops: 3e6, unprotectedFlops: 1e6, stateBytes: 5000 }
  expect(retainedCost(run)).toEqual({ points: 50, flopsPerPoint: 40_000, bytesPerPoint: 100 })
  expect(retainedCost({ ...run, accuracy: 0.125 })).toEqual({
    points: -12.5,
    flopsPerPoint: null,
    bytesPerPoint: null,
  })
  expect(() => retainedCost({ ...run, accuracy: 1.5 })).toThrow(OptionError)
})
