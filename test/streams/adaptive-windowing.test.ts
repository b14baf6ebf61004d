import { type AdaptiveWindowing, adaptiveWindowing } from '@burgeon/continual'
import { describe, expect, test } from 'vitest'
import { OptionError } from '@burgeon/tensor'
import { bernoulli, delays, falseAlarms, gaussian } from './alarm-study.ts'
import { SeededStream } from './seeded-stream.ts'

/** ADWIN that keeps every value and only the sizes of the buckets, and sums anew for every cut. */
class NaiveAdwin {
  values: number[] = []
  #sizes: number[] = [] // oldest first
  #ticks = 0
  readonly #clock: number
  constructor(clock: number) {
    this.#clock = clock
  }

  update(value: number): boolean {
    this.values.push(value)
    this.#sizes.push(1)
    for (let size = 1; this.#sizes.filter((s) => s === size).length === 6; size *= 2) {
      this.#sizes.splice(this.#sizes.indexOf(size), 2, 2 * size)
    }
    if (++this.#ticks % this.#clock !== 0 || this.values.length <= 10) return false
    let drift = false
    while (this.#unequal()) {
      drift = true
      this.values.splice(0, this.#sizes.shift())
    }
    return drift
  }

  #unequal(): boolean {
    const n = this.values.length
    const mean = (part: number[]): number => part.reduce((a, b) => a + b, 0) / part.length
    const variance = mean(this.values.map((x) => (x - mean(this.values)) ** 2))
    const logarithm = Math.log((2 * Math.log(n)) / 0.002)
    let n0 = 0
    return this.#sizes.some((size) => {
      n0 += size
      if (n0 < 5 || n - n0 < 5) return false
      const m = 1 / (n0 - 5 + 1) + 1 / (n - n0 - 5 + 1)
      const bound = Math.sqrt(2 * m * variance * logarithm) + (2 / 3) * m * logarithm
      return Math.abs(mean(this.values.slice(0, n0)) - mean(this.values.slice(n0))) > bound
    })
  }
}

describe('ADWIN', () => {
  test.each([1, 7, 32])('agrees with a naive one that keeps every value, tested every %i', (clock) => {
    const stream = new SeededStream(clock)
    const [adwin, naive] = [adaptiveWindowing({ clock }), new NaiveAdwin(clock)]
    let drifts = 0
    for (let i = 0; i < 1500; i++) {
      const value = 100 + 2 * Math.floor(i / 400) * (i % 800 < 400 ? 1 : -1) + stream.gaussian()
      const { drift, estimate } = adwin.update(value)
      expect(drift).toBe(naive.update(value))
      const { count, deviation } = adwin.window
      expect(count).toBe(naive.values.length)
      const mean = naive.values.reduce((a, b) => a + b, 0) / count
      expect(estimate).toBeCloseTo(mean, 9)
      expect(deviation).toBeCloseTo(
        naive.values.reduce((sum, x) => sum + (x - mean) ** 2, 0),
        6,
      )
      if (drift) drifts++
    }
    expect(drifts).toBeGreaterThanOrEqual(3)
  })

  test('keeps the newer part after a drift, and its mean is the estimate', () => {
    const stream = new SeededStream(3)
    const adwin = adaptiveWindowing()
    for (let i = 0; i < 1000; i++) adwin.update(stream.gaussian())
    let estimate = 0
    for (let i = 0; i < 400; i++) ({ estimate } = adwin.update(5 + stream.gaussian()))
    // A bucket that straddles the change goes or stays as a whole, so not exactly 400.
    expect(adwin.window.count).toBeGreaterThan(360)
    expect(adwin.window.count).toBeLessThan(440)
    expect(Math.abs(estimate - 5)).toBeLessThan(0.5)
  })

  test('names the direction of the newest change when two fall between tests', () => {
    const adwin = adaptiveWindowing({ clock: 1200 })
    const stream = new SeededStream(4)
    const levels = [...Array(400).fill(0), ...Array(400).fill(-3), ...Array(400).fill(3)]
    const verdicts = levels.map((level) => adwin.update(level + stream.gaussian()))
    expect(verdicts.at(-1)).toMatchObject({ drift: true, direction: 'up' })
  })

  test('says nothing on a constant stream, whatever the constant', () => {
    for (const constant of [0, 0.1, -1e9, 1e15]) {
      const adwin = adaptiveWindowing({ clock: 1 })
      for (let i = 0; i < 2000; i++) expect(adwin.update(constant).drift).toBe(false)
      expect(adwin.window).toEqual({ count: 2000, mean: constant, deviation: 0 })
    }
  })

  test('says nothing until the grace period is over', () => {
    const adwin = adaptiveWindowing({ clock: 1, gracePeriod: 100 })
    const drifts = Array.from({ length: 101 }, (_, i) => adwin.update(i < 50 ? 0 : 1000).drift)
    expect(drifts.indexOf(true)).toBe(100)
  })

  test('needs memory for the logarithm of what it has seen', () => {
    const stream = new SeededStream(5)
    const adwin = adaptiveWindowing()
    for (let i = 0; i < 100_000; i++) adwin.update(stream.uniform())
    expect(adwin.window.count).toBe(100_000)
    expect(adwin.toState().window.rows.flat().length).toBeLessThanOrEqual(5 * Math.log2(100_000))
  })

  test.each([
    { delta: 0 },
    { delta: 1 },
    { delta: Number.NaN },
    { clock: 0 },
    { clock: 1.5 },
    { gracePeriod: -1 },
    { minWindow: 0 },
  ])('refuses %o', (options) => {
    expect(() => adaptiveWindowing(options)).toThrow(OptionError)
    expect(() => adaptiveWindowing(options)).toThrow(
      `got ${Object.keys(options)[0]} ${Object.values(options)[0]}`,
    )
  })
})

describe('ADWIN in the study of section 2.7', () => {
  const make = (): AdaptiveWindowing => adaptiveWindowing()

  test('raises no false alarm in 200,000 values', () => {
    expect(falseAlarms(make, gaussian(0))).toBe(0)
    expect(falseAlarms(make, bernoulli(0.2))).toBe(0)
  })
  test.each([
    [32, 0.5, 119],
    [32, 1, 50],
    [32, 2, 23],
    [1, 0.5, 99],
    [1, 1, 31],
    [1, 2, 13],
  ])('tested every %d, finds every Gaussian shift of %d in about %d values', (clock, shift, published) => {
    const { mean, detected } = delays(() => adaptiveWindowing({ clock }), gaussian(0), gaussian(shift))
    expect(detected).toBe(20)
    expect(Math.abs(mean - published)).toBeLessThan(0.25 * published)
  })
  test.each([
    [0.4, 157],
    [0.6, 60],
    [0.8, 47],
  ])('finds every change of a Bernoulli rate from 0.2 to %d in about %d values', (rate, published) => {
    const { mean, detected } = delays(make, bernoulli(0.2), bernoulli(rate))
    expect(detected).toBe(20)
    expect(Math.abs(mean - published)).toBeLessThan(0.25 * published)
  })
  test('misses some changes of a Bernoulli rate from 0.2 to 0.3', () => {
    const { mean, detected } = delays(make, bernoulli(0.2), bernoulli(0.3))
    expect(Math.abs(detected - 16)).toBeLessThanOrEqual(3)
    expect(Math.abs(mean - 605)).toBeLessThan(150)
  })
})
