/** Calibration: errors, temperatures and sets against numbers that were worked out by hand. */
import { equalMassCalibrationError, selfAssessment } from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assessedStep, vocabulary } from './assessed-steps.ts'

describe('calibration error in bins of equal mass', () => {
  test.each<[string, number[], number[], number, number]>([
    ['no predictions', [], [], 15, 0],
    ['one that was right', [0.8], [1], 15, 0.2],
    ['confidences of 0 and 1, both wrong', [0, 1], [1, 0], 15, 1],
    ['confidences of 0 and 1, both right', [0, 1], [0, 1], 15, 0],
    // All in one bin: 3 of 4 right at a confidence of 0.5.
    ['equal confidences in one bin', [0.5, 0.5, 0.5, 0.5], [1, 1, 1, 0], 1, 0.25],
    // Bins {0.1, 0.3} and {0.6, 0.8}: |0.5 − 0.2|/2 + |0.5 − 0.7|/2.
    ['two bins of two', [0.8, 0.1, 0.6, 0.3], [1, 1, 0, 0], 2, 0.25],
    // Bins of 2, 1 and 2 predictions, in order of confidence: |0 + 1 − 0.6|, |0 − 0.5|, |1 + 1 − 1.7|, of 5.
    ['bins that are not equally full', [0.9, 0.2, 0.4, 0.5, 0.8], [1, 0, 1, 0, 1], 3, (0.4 + 0.5 + 0.3) / 5],
  ])('%s', (_, confidences, right, bins, expected) => {
    expect(equalMassCalibrationError(confidences, right, bins)).toBeCloseTo(expected, 12)
  })
  test('does not depend on the order of predictions, and is 0 of one that is always as sure as it is right', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), { minLength: 1 }),
        fc.integer({ min: 1, max: 20 }),
        (predictions, bins) => {
          const distinct = predictions.map(([p, right], i) => [(p + i) / predictions.length, Number(right)])
          const error = (list: number[][]): number =>
            equalMassCalibrationError(
              list.map(([p]) => p),
              list.map(([, right]) => right),
              bins,
            )
          const one = error(distinct)
          expect(one).toBeGreaterThanOrEqual(0)
          expect(one).toBeLessThanOrEqual(1)
          expect(error(distinct.toReversed())).toBeCloseTo(one, 9)
          expect(error(distinct.map(([, right]) => [right, right]))).toBe(0)
        },
      ),
    )
  })
  test('refuses what is no probability, and lists of two lengths', () => {
    expect(() => equalMassCalibrationError([1.5], [1])).toThrow(OptionError)
    expect(() => equalMassCalibrationError([0.5], [1, 0])).toThrow('expected as many')
    expect(() => equalMassCalibrationError([0.5], [1], 0)).toThrow(OptionError)
  })
})

describe('temperature', () => {
  test('moves by 0.02·β·mean(E_p[z] − z_y) in ln β, of predictions made before', () => {
    const assessment = selfAssessment()
    const step = {
      ...{ step: 1, logits: [2, 0, 0, 0], vocabulary: 2, targets: Int32Array.of(1, 0) },
      ...{ rows: [{ domain: 'a', source: null }], bytesOf: () => Uint8Array.of(97) },
    }
    expect(assessment.certaintyOf([2, 0])).toMatchObject({ temperature: 1, domain: null, coverage: null })
    assessment.update(step)
    const p = Math.exp(2) / (Math.exp(2) + 1)
    // The first came against 2·p expected; the second has equal logits, which say nothing.
    const logBeta = -0.02 * ((2 * p + 0) / 2)
    const found = assessment.certaintyOf([2, 0])
    expect(Math.log(1 / found.temperature)).toBeCloseTo(logBeta, 12)
    expect(found.domain).toBe('a')
    expect(found.next[0]).toBeCloseTo(1 / (1 + Math.exp(-2 / found.temperature)), 12)
    // The scores are of the temperature before the step.
    const { raw, calibrated } = assessment.summary().calibration['a']
    expect(raw).toEqual(calibrated)
    expect(raw.negativeLogLikelihood).toBeCloseTo((-Math.log(1 - p) + Math.LN2) / 2, 6)
  })
  test('rises where a model is too sure, falls where it is not sure enough, and scores become better', () => {
    for (const [tooSure, above] of [
      [3, true],
      [0.4, false],
    ] as const) {
      const assessment = selfAssessment()
      for (let seed = 0; seed < 400; seed++) assessment.update(assessedStep(seed, { tooSure }))
      const { temperature, raw, calibrated } = assessment.summary().calibration['text']
      expect(temperature > 1).toBe(above)
      expect(Math.log(temperature)).toBeCloseTo(Math.log(tooSure), 0)
      expect(calibrated.expectedCalibrationError).toBeLessThan(raw.expectedCalibrationError / 2)
      expect(calibrated.negativeLogLikelihood).toBeLessThan(raw.negativeLogLikelihood)
    }
  })
  test('is each domain’s own, and a new one begins with that of the last', () => {
    const assessment = selfAssessment()
    for (let seed = 0; seed < 200; seed++) assessment.update(assessedStep(seed, { domain: 'a', tooSure: 3 }))
    const known = assessment.certaintyOf(new Float32Array(vocabulary)).temperature
    assessment.update(assessedStep(200, { domain: 'b' }))
    const { a, b } = assessment.summary().calibration
    expect(a.temperature).toBe(known)
    expect(b.temperature).not.toBe(known)
    expect(Math.abs(Math.log(b.temperature / known))).toBeLessThan(0.1)
    expect(b.predictions).toBe(64)
    const asked = ['a', 'nobody', undefined].map((domain) => assessment.certaintyOf([0, 1], domain).domain)
    expect(asked).toEqual(['a', 'b', 'b'])
  })
  test('is bounded whatever is predicted', () => {
    const assessment = selfAssessment()
    const step = {
      ...{ step: 1, logits: [1e4, 0], vocabulary: 2, targets: Int32Array.of(1) },
      ...{ rows: [{ domain: 'a', source: null }], bytesOf: () => Uint8Array.of(97) },
    }
    for (let i = 0; i < 3; i++) assessment.update(step)
    expect(assessment.certaintyOf([1, 0]).temperature).toBeCloseTo(20, 9)
    expect(assessment.summary().calibration['a'].raw.negativeLogLikelihood).toBe(1e4)
    assessment.restore(structuredClone(assessment.toState()))
  })
})

describe('sets', () => {
  test('hold what is promised of any sequence, within the bound of the theorem', () => {
    // Against the sets: a token that the set leaves out comes whenever there is one.
    const assessment = selfAssessment({ coverage: 0.9 })
    let missed = 0
    for (let t = 1; t <= 3000; t++) {
      const logits = Float32Array.from({ length: 8 }, (_, v) => -v)
      const { set } = assessment.certaintyOf(logits)
      const target = [...Array(8).keys()].find((token) => !set.includes(token)) ?? 0
      const { held } = assessment.update({
        ...{ step: t, logits, vocabulary: 8, targets: Int32Array.of(target) },
        ...{ rows: [{ domain: 'a', source: null }], bytesOf: () => Uint8Array.of(97) },
      })
      if (held[0] === false) missed++
      expect(Math.abs(missed / t - 0.1)).toBeLessThanOrEqual((0.9 + 0.005) / (0.005 * t) + 1e-9)
    }
    expect(missed / 3000).toBeCloseTo(0.1, 1)
  })
  test('have the likeliest tokens until what is left is as rare as promised, equal ones together', () => {
    const assessment = selfAssessment({ coverage: 0.75 })
    for (let seed = 0; seed < 60; seed++) assessment.update(assessedStep(seed))
    const { set } = assessment.certaintyOf([1, 3, 1, 2, 1, -9])
    expect(set.slice(0, 2)).toEqual([1, 3])
    expect([2, 5, 6]).toContain(set.length)
    expect(assessment.certaintyOf([0, 0, 0]).set).toEqual([0, 1, 2])
    expect(assessment.certaintyOf([50, 0, 0]).set).toEqual([0])
  })
  test('are asked for with a coverage between 0 and 1', () => {
    for (const coverage of [0, 1, NaN, '0.9']) {
      expect(() => selfAssessment({ coverage } as { coverage: number })).toThrow(OptionError)
    }
  })
})
