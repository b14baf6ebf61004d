/** Detectors of errors: by hand, in the published study, and what they refuse. */
import { ddm, type DriftDetector, eddm, hddmAverage, hddmWeighted, SignalError } from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { bernoulli, delays, falseAlarms } from './alarm-study.ts'

/** Index of the first alarm. */
const alarm = (detector: DriftDetector, values: readonly number[]): number =>
  values.findIndex((value) => detector.update(value).drift)

const repeated = (pattern: readonly number[], times: number): number[] =>
  Array.from({ length: times }, () => pattern).flat()

describe('DDM', () => {
  // One error in four: after 32 values the rate is 1/4 and its deviation 0.07655, the least since value 32.
  const quarter = repeated([0, 0, 0, 1], 8)
  const worse = [...quarter, ...Array(20).fill(1)]

  test('calls when the rate has risen by three of its least deviations, computed by hand', () => {
    // After k more errors p = (8 + k)/(32 + k). The limit is 0.25 + 3·0.07655 = 0.47964. k = 8: 16/40 + 0.07746 = 0.47746;
    // k = 9: 17/41 + 0.07694 = 0.49158. With 2.9 deviations it is 0.47199, and k = 7: 15/39 + 0.07790 = 0.46252.
    expect(alarm(ddm({ minSamples: 31 }), worse)).toBe(32 + 9 - 1)
    expect(alarm(ddm({ minSamples: 31, threshold: 2.9 }), worse)).toBe(32 + 8 - 1)
  })
  test('says nothing before it has seen enough, and of errors alone', () => {
    const long = [...quarter, ...worse]
    expect(alarm(ddm({ minSamples: 31, threshold: 0.1 }), long)).toBeLessThan(64)
    expect(alarm(ddm({ minSamples: 63, threshold: 0.1 }), long)).toBe(63)
    expect(alarm(ddm(), Array(500).fill(1))).toBe(-1)
  })
  test('does not hear a fall', () => {
    expect(alarm(ddm(), [...repeated([1, 1, 0], 100), ...Array(300).fill(0)])).toBe(-1)
  })
})

describe('EDDM', () => {
  test('calls when errors come closer together, computed by hand', () => {
    // Forty errors at a distance of 10, no deviation; then at a distance of 1: after k of them the mean is (400 + k)/(40 + k).
    const stream = [...repeated([0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 40), ...Array(60).fill(1)]
    // Mean plus two deviations rises first (k = 1: 9.780 + 2·1.406 = 12.592; its most, 14.459, is at k = 7), and is below nine tenths of that at k = 29.
    const widths = Array.from({ length: 60 }, (_, i) => {
      const k = i + 1
      const mean = (400 + k) / (40 + k)
      const squares = 40 * (10 - mean) ** 2 + k * (1 - mean) ** 2
      return mean + 2 * Math.sqrt(squares / (40 + k - 1))
    })
    const expected = widths.findIndex((width, i) => width < 0.9 * Math.max(...widths.slice(0, i + 1)))
    expect(expected).toBeGreaterThan(0)
    expect(alarm(eddm(), stream)).toBe(400 + expected)
  })
  test('calls at errors alone', () => {
    const detector = eddm({ beta: 0.99 })
    let calls = 0
    for (const value of repeated([1, 0, 0, 0, 1, 1], 400)) {
      const { drift } = detector.update(value)
      if (drift) calls++
      if (value === 0) expect(drift).toBe(false)
    }
    expect(calls).toBeGreaterThan(0)
  })
})

describe('HDDM', () => {
  test('A: calls when the mean has risen beyond chance, computed by hand', () => {
    // 100 zeros, then ones: the cut stays at n₀ = 100, mean 0. With k ones the mean is k/(100 + k), the bound
    // √(k/100/(100 + k)/2·ln 2000). k = 3: 0.02913 < 0.03327; k = 4: 0.03846 > 0.03823.
    expect(alarm(hddmAverage(), [...Array(100).fill(0), ...Array(100).fill(1)])).toBe(100 + 4 - 1)
  })
  test('A and W are symmetric', () => {
    const values = [...repeated([0, 0, 0, 1], 60), ...repeated([1, 1, 0, 1], 60)]
    const mirrored = values.map((value) => 1 - value)
    for (const make of [hddmAverage, hddmWeighted]) {
      const up = alarm(make({ mode: 'up' }), values)
      expect(up).toBeGreaterThan(240)
      expect(alarm(make({ mode: 'down' }), mirrored)).toBe(up)
      expect(alarm(make({ mode: 'both' }), mirrored)).toBe(up)
      expect(alarm(make({ mode: 'down' }), values)).toBe(-1)
    }
  })
  test('W: the first value has the whole weight, and the bound that belongs to it', () => {
    // λ = 0.5, confidence 0.5: the squared weights are 1, then 0.25 + 0.25 = 0.5, 0.375, …; bounds √(0.3466·that).
    // Zeros: the cut is lowered by every value, so `after` is empty. Then ones: the mean of all is 0.5, and `after` begins with 1.
    // After 3 zeros before = {0, 0.375}: 1 − 0 > √(0.3466·(0.375 + 1)) = 0.690.
    expect(alarm(hddmWeighted({ lambda: 0.5, confidence: 0.5 }), [0, 0, 0, 1])).toBe(3)
    // At the usual confidence the bound of one value is √(3.454·1.375) = 2.18: one value never suffices.
    expect(alarm(hddmWeighted({ lambda: 0.5 }), [0, 0, 0, 1])).toBe(-1)
  })
})

/**
 * The table of research section 2.7, from streams of another generator: false alarms in 200,000 values, and mean delay (of so many that were heard).
 */
const published: [string, () => DriftDetector, number, [rate: number, delay: number, heard: number][]][] = [
  [
    'DDM',
    () => ddm(),
    10,
    [
      [0.3, 367, 18],
      [0.4, 189, 20],
      [0.6, 84, 20],
      [0.8, 54, 20],
    ],
  ],
  [
    'EDDM',
    () => eddm(),
    396,
    [
      [0.3, 102, 20],
      [0.4, 61, 20],
      [0.6, 37, 20],
      [0.8, 28, 20],
    ],
  ],
  [
    'HDDM-A',
    () => hddmAverage(),
    0,
    [
      [0.3, 425, 19],
      [0.4, 106, 20],
      [0.6, 37, 20],
      [0.8, 21, 20],
    ],
  ],
  [
    'HDDM-W',
    () => hddmWeighted(),
    16,
    [
      [0.3, 248, 18],
      [0.4, 66, 20],
      [0.6, 21, 20],
      [0.8, 11, 20],
    ],
  ],
]

describe.each(published)('%s in the study', (_, make, alarms, changes) => {
  test(`gives about ${alarms} false alarms`, () => {
    expect(Math.abs(falseAlarms(make, bernoulli(0.2)) - alarms)).toBeLessThanOrEqual(
      Math.max(6, 0.35 * alarms),
    )
  })
  test.each(changes)('hears a rate of 0.2 become %d after about %d values', (rate, delay, heard) => {
    const { mean, detected } = delays(make, bernoulli(0.2), bernoulli(rate))
    expect(detected).toBeGreaterThanOrEqual(heard - 3)
    expect(Math.abs(mean - delay)).toBeLessThan(Math.max(14, 0.55 * delay))
  })
})

test.each([ddm, eddm])('%o takes 0 and 1 alone, and says which others there are', (make) => {
  const detector = make()
  for (const value of [0.5, 2, -1, Number.NaN]) expect(() => detector.update(value)).toThrow(SignalError)
  expect(() => detector.update(0.5)).toThrow(/adaptiveWindowing/)
  expect(detector.toState()).toEqual(make().toState())
})

test.each([hddmAverage, hddmWeighted])('%o takes what lies from 0 to 1', (make) => {
  const detector = make()
  expect(() => detector.update(0.5)).not.toThrow()
  for (const value of [1.01, -1e-9, Number.NaN]) expect(() => detector.update(value)).toThrow(SignalError)
})

test('options out of range are refused', () => {
  for (const wrong of [
    () => ddm({ threshold: 0 }),
    () => eddm({ beta: 1 }),
    () => hddmAverage({ confidence: 0 }),
    () => hddmWeighted({ lambda: 1 }),
    () => hddmAverage({ mode: 'sideways' as 'up' }),
  ])
    expect(wrong).toThrow(OptionError)
})
