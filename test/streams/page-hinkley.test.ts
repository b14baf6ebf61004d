import { type DriftDetector, pageHinkley } from '@burgeon/continual'
import { describe, expect, test } from 'vitest'
import { OptionError } from '@burgeon/tensor'
import { bernoulli, delays, falseAlarms, gaussian } from './alarm-study.ts'
import { SeededStream } from './seeded-stream.ts'

/** Index of the first alarm. */
function alarm(detector: DriftDetector, values: readonly number[]): number {
  return values.findIndex((value) => detector.update(value).drift)
}

describe('Page–Hinkley', () => {
  // After k ones the mean is k/(30 + k), so the sum is 30/31 + 30/32 + …: 4.554 after five ones, 5.387 after six.
  const step = [...Array(30).fill(0), ...Array(20).fill(1)]

  test('alarms when the sum of deviations passes the threshold, computed by hand', () => {
    expect(alarm(pageHinkley({ threshold: 5, delta: 0, alpha: 1 }), step)).toBe(35)
  })
  test('takes delta off every deviation', () => {
    // 5.387 − 6·0.1 = 4.787; the seventh adds 30/37 − 0.1 = 0.711.
    expect(alarm(pageHinkley({ threshold: 5, delta: 0.1, alpha: 1 }), step)).toBe(36)
  })
  test('fades the sum, not the mean', () => {
    // With alpha ½ the sum is ½·sum + deviation: 0.968, 1.421, 1.620, then 1.692, 1.703, 1.685: never 1.71.
    expect(alarm(pageHinkley({ threshold: 1.7, delta: 0, alpha: 0.5 }), step)).toBe(34)
    expect(alarm(pageHinkley({ threshold: 1.71, delta: 0, alpha: 0.5 }), step)).toBe(-1)
  })
  test('waits for minSamples', () => {
    const options = { threshold: 5, delta: 0, alpha: 1 }
    expect(alarm(pageHinkley({ ...options, minSamples: 40 }), step)).toBe(39)
  })
  test('is symmetric: the mirrored stream alarms at the same values, in the other direction', () => {
    const stream = new SeededStream(8)
    const [plain, mirrored] = [pageHinkley(), pageHinkley()]
    const opposite = { up: 'down', down: 'up' } as const
    let drifts = 0
    for (let i = 0; i < 3000; i++) {
      const x = stream.gaussian() + (i % 1000 < 500 ? 0 : 2)
      const [a, b] = [plain.update(x), mirrored.update(-x)]
      expect(b.drift).toBe(a.drift)
      expect(b.direction).toBe(a.direction === null ? null : opposite[a.direction])
      if (a.drift) drifts++
    }
    expect(drifts).toBeGreaterThanOrEqual(5)
  })
  test('hears only its own direction when one-sided', () => {
    expect(alarm(pageHinkley({ mode: 'down', threshold: 5 }), step)).toBe(-1)
    expect(alarm(pageHinkley({ mode: 'up', threshold: 5 }), step)).toBeGreaterThan(0)
  })
  test('starts afresh after an alarm', () => {
    const detector = pageHinkley({ threshold: 5 })
    expect(alarm(detector, step)).toBeGreaterThan(0)
    expect(detector.toState()).toEqual(pageHinkley({ threshold: 5 }).toState())
  })
  test.each([
    { mode: 'sideways' as 'up' },
    { threshold: 0 },
    { threshold: Number.POSITIVE_INFINITY },
    { delta: -1 },
    { alpha: 0 },
    { alpha: 1.1 },
    { minSamples: 0 },
  ])('refuses %o', (options) => {
    expect(() => pageHinkley(options)).toThrow(OptionError)
  })
})

describe('Page–Hinkley in the study of section 2.7', () => {
  const make = (): DriftDetector => pageHinkley()

  test('is too loud for unit noise, which is why it wants standardising', () => {
    expect(Math.abs(falseAlarms(make, gaussian(0)) - 111)).toBeLessThan(35)
    expect(falseAlarms(make, bernoulli(0.2))).toBeLessThanOrEqual(12)
  })
  test.each([
    [0.5, 88],
    [1, 41],
    [2, 20],
  ])('finds a Gaussian shift of %d in about %d values', (shift, published) => {
    const { mean, detected } = delays(make, gaussian(0), gaussian(shift))
    expect(detected).toBeGreaterThanOrEqual(18)
    expect(Math.abs(mean - published)).toBeLessThan(0.25 * published)
  })
  test.each([
    [0.3, 520],
    [0.4, 236],
    [0.6, 109],
    [0.8, 71],
  ])('finds a change of a Bernoulli rate from 0.2 to %d in about %d values', (rate, published) => {
    const { mean, detected } = delays(make, bernoulli(0.2), bernoulli(rate))
    expect(detected).toBeGreaterThanOrEqual(18)
    expect(Math.abs(mean - published)).toBeLessThan(0.25 * published)
  })
})
