/** CUSUM and KSWIN: by hand, in the protocol of the published study, and what they refuse. */
import { cusum, type DriftDetector, kswin } from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { delays, falseAlarms, gaussian } from './alarm-study.ts'
import { SeededStream } from './seeded-stream.ts'

/** Index of the first alarm. */
const alarm = (detector: DriftDetector, values: readonly number[]): number =>
  values.findIndex((value) => detector.update(value).drift)

describe('CUSUM', () => {
  // Fifteen of −1 and fifteen of 1: mean 0, deviation √(30/29) = 1.01710.
  const calm = Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? 1 : -1))

  test('calls when the sum passes the threshold, computed by hand', () => {
    // Each 2 adds 2 − 0.50855 = 1.49145 to a sum of 0: 4.474 after three, 5.966 after four; the limit is 5.0855.
    expect(alarm(cusum(), [...calm, 2, 2, 2, 2])).toBe(33)
    // With a slack of 1 it adds 0.9829: five make 4.914, six 5.897.
    expect(alarm(cusum({ slack: 1 }), [...calm, 2, 2, 2, 2, 2, 2])).toBe(35)
  })
  test('measures in deviations of the first values, whatever the scale', () => {
    const values = [...calm, 2, 2, 2, 2]
    expect(
      alarm(
        cusum(),
        values.map((x) => 1e-6 * x + 40),
      ),
    ).toBe(33)
    expect(
      alarm(
        cusum(),
        values.map((x) => 1e6 * x),
      ),
    ).toBe(33)
  })
  test('is symmetric, and one-sided on request', () => {
    const down = [...calm, -2, -2, -2, -2]
    expect(alarm(cusum(), down)).toBe(33)
    expect(alarm(cusum({ mode: 'up' }), down)).toBe(-1)
    expect(alarm(cusum({ mode: 'down' }), down)).toBe(33)
  })
  test('has a false alarm in some hundreds of values at the usual threshold, and hardly any at 10', () => {
    // Both sides of a chart at 0.5 and 5 have an average run length of 465; the mean of thirty values is itself unsure.
    const alarms = falseAlarms(() => cusum(), gaussian(0))
    expect(alarms).toBeGreaterThan(300)
    expect(alarms).toBeLessThan(1400)
    expect(falseAlarms(() => cusum({ threshold: 10, minSamples: 100 }), gaussian(0))).toBeLessThan(30)
  })
  test.each([
    [1, 21],
    [2, 7],
  ])('hears a shift of %d deviations within about %d values', (shift, values) => {
    const { mean, detected } = delays(
      () => cusum({ threshold: 8, minSamples: 100 }),
      gaussian(0),
      gaussian(shift),
    )
    expect(detected).toBeGreaterThanOrEqual(16)
    expect(mean).toBeLessThan(values * 1.4)
  })
})

describe('KSWIN', () => {
  const noise = (count: number, make: (stream: SeededStream) => number, seed = 5): number[] => {
    const stream = new SeededStream(seed)
    return Array.from({ length: count }, () => make(stream))
  }

  test('gives the chance of a distance exactly: 30 values against 30, computed by SciPy', () => {
    // scipy.stats.ks_2samp of two samples of 30 that lie h/30 apart: h = 13 has a chance of 0.006548, h = 14 of 0.002530.
    const apart = (h: number): number[] => [
      ...Array(30).fill(0),
      ...Array(30 - h).fill(0),
      ...Array(h).fill(1),
    ]
    const make = (): DriftDetector => kswin({ window: 60, recent: 30 })
    expect(alarm(make(), apart(13))).toBe(-1)
    expect(alarm(make(), apart(14))).toBe(59)
    expect(alarm(kswin({ window: 60, recent: 30, alpha: 0.00655 }), apart(13))).toBe(59)
    expect(alarm(kswin({ window: 60, recent: 30, alpha: 0.00654 }), apart(13))).toBe(-1)
  })
  test('hears a change of spread that leaves the mean', () => {
    const values = [...noise(500, (s) => s.gaussian()), ...noise(300, (s) => 4 * s.gaussian(), 6)]
    const found = alarm(kswin({ alpha: 1e-4, window: 300, recent: 120 }), values)
    expect(found).toBeGreaterThanOrEqual(500)
    expect(found).toBeLessThan(700)
  })
  test('finds a shift soon, and draws the same for the same seed', () => {
    for (const shift of [1, 2]) {
      const { mean, detected } = delays(
        () => kswin({ alpha: 1e-4, window: 200, recent: 60 }),
        gaussian(0),
        gaussian(shift),
      )
      expect(detected).toBeGreaterThanOrEqual(18)
      expect(mean).toBeLessThan(70)
    }
    const values = noise(3000, (s) => s.gaussian())
    const alarms = (seed: number): number[] => {
      const detector = kswin({ alpha: 0.05, seed })
      return values.flatMap((value, i) => (detector.update(value).drift ? [i] : []))
    }
    expect(alarms(1)).toEqual(alarms(1))
    expect(alarms(1)).not.toEqual(alarms(2))
  })
  test('keeps the newest values after an alarm, and says where the mean went', () => {
    const detector = kswin()
    const values = [...noise(100, (s) => s.gaussian()), ...noise(100, (s) => 5 + s.gaussian())]
    const verdict = values.map((value) => detector.update(value)).find(({ drift }) => drift)
    expect(verdict?.direction).toBe('up')
  })
  test('refuses a window that is too short for two samples', () => {
    expect(() => kswin({ window: 50, recent: 30 })).toThrow(/kswin: got window 50 and recent 30/)
    for (const wrong of [{ alpha: 0 }, { recent: 1 }, { window: 1e5 }])
      expect(() => kswin(wrong)).toThrow(OptionError)
  })
})
