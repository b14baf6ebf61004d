import { adaptiveWindowing, type DriftDetector, pageHinkley, standardized } from '@burgeon/continual'
import { describe, expect, test } from 'vitest'
import { OptionError } from '@burgeon/tensor'
import { delays, falseAlarms, gaussian } from './alarm-study.ts'
import { SeededStream } from './seeded-stream.ts'

const make = (): DriftDetector => standardized(pageHinkley({ threshold: 30, delta: 0.25 }))

/** Indices and directions of the alarms. */
function alarms(detector: DriftDetector, values: readonly number[]): string[] {
  return values.flatMap((value, i) => {
    const { drift, direction } = detector.update(value)
    return drift ? [`${direction} at ${i}`] : []
  })
}

function noise(seed: number, count: number): number[] {
  const stream = new SeededStream(seed)
  return Array.from({ length: count }, () => stream.gaussian())
}

describe('a standardised detector', () => {
  const stream = noise(1, 2000).map((x, i) => x + (i < 1000 ? 0 : 2))

  test('alarms at the same values whatever unit the signal has', () => {
    const expected = alarms(make(), stream)
    expect(expected.length).toBeGreaterThan(0)
    // Powers of two, so that rounding is the same.
    for (const scale of [2 ** -20, 2 ** 20]) {
      expect(
        alarms(
          make(),
          stream.map((x) => x * scale),
        ),
      ).toEqual(expected)
    }
    expect(
      alarms(
        make(),
        stream.map((x) => x * 1e-3 + 2),
      ),
    ).toEqual(expected)
  })
  test('hears what its inner detector alone is deaf to', () => {
    const small = stream.map((x) => x * 1e-3)
    expect(alarms(adaptiveWindowing(), small)).toEqual([])
    expect(alarms(standardized(adaptiveWindowing()), small)).toHaveLength(1)
  })
  test('gives its estimate in units of the signal', () => {
    const detector = standardized(adaptiveWindowing())
    let estimate = 0
    for (const x of noise(2, 1000)) ({ estimate } = detector.update(7 + 0.01 * x))
    expect(Math.abs(estimate - 7)).toBeLessThan(0.003)
  })
  test('is not alarmed by a slow trend, nor by one spike', () => {
    const falling = noise(3, 4000).map((x, i) => 5 - i * 1e-4 + 0.5 * x)
    expect(alarms(make(), falling)).toEqual([])
    const spiked = noise(3, 1000).map((x, i) => (i === 600 ? 1e6 : x))
    expect(alarms(make(), spiked)).toEqual([])
  })
  test('still hears a change soon after a spike', () => {
    const spiked = stream.map((x, i) => (i === 900 ? 1e6 : x))
    expect(alarms(make(), spiked)[0]).toMatch(/^up at 10[0-4]\d$/)
  })
  test('hears the first step of a constant signal, and only that', () => {
    for (const level of [0, 5, -1e6]) {
      const steps = Array.from({ length: 1000 }, (_, i) => (i < 500 ? level : level + 1))
      expect(alarms(make(), steps)).toHaveLength(1)
    }
  })
  test('does not watch while it warms up', () => {
    const early = noise(4, 90).map((x, i) => x + (i < 50 ? 0 : 20))
    expect(alarms(make(), early)).toEqual([])
  })
  test('raises a false alarm at most once in 40,000 values, and finds a shift of one deviation in about 35', () => {
    expect(falseAlarms(make, gaussian(0))).toBeLessThanOrEqual(5)
    const { mean, detected } = delays(make, gaussian(0), gaussian(1))
    expect(detected).toBe(20)
    expect(mean).toBeLessThan(40)
  })
  test.each([{ decay: 0 }, { decay: 1 }, { warmUp: 1 }, { warmUp: 10.5 }])('refuses %o', (options) => {
    expect(() => standardized(pageHinkley(), options)).toThrow(OptionError)
  })
})
