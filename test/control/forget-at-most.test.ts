/** Prices of forgetting: what is decided from measurements, step by step, against a few lines of arithmetic. */
import { dryRunControl, forgetAtMost, type Knobs, type ProbeLosses } from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { times } from '../how-long.ts'

const measured = (forgotten: Readonly<Record<string, number>>): ProbeLosses =>
  Object.fromEntries(
    Object.entries(forgotten).map(([domain, bits]) => [domain, { rows: 1, bits: 2 + bits, forgotten: bits }]),
  )

/** Knobs after the last of some steps of an even loss. */
function after(measurements: readonly Readonly<Record<string, number>>[], epsilon: number): Knobs {
  const probes = Object.fromEntries(measurements.map((each, i) => [i + 1, measured(each)]))
  const bitsPerByte = measurements.map(() => 2)
  return dryRunControl(forgetAtMost(epsilon), { bitsPerByte, probes }).at(-1)?.knobs as Knobs
}

const stopped = (price: number): number => Math.min(4, Math.max(0, price))

test('is dual ascent on what is forgotten of every domain', () => {
  const bits = fc.double({ min: 0, max: 3, noNaN: true })
  fc.assert(
    fc.property(
      fc.array(fc.record({ a: bits, b: bits }), { minLength: 1, maxLength: 30 }),
      fc.double({ min: 0.001, max: 1, noNaN: true }),
      (measurements, epsilon) => {
        const [smooth, multipliers] = [
          { a: 0, b: 0 },
          { a: 0, b: 0 },
        ]
        for (const each of measurements) {
          for (const domain of ['a', 'b'] as const) {
            smooth[domain] = (smooth[domain] + each[domain]) / 2
            multipliers[domain] = stopped(multipliers[domain] + (smooth[domain] - epsilon) / 2)
          }
        }
        const priceOf = (domain: 'a' | 'b'): number =>
          stopped(multipliers[domain] + 10 * (smooth[domain] - epsilon))
        const price = priceOf('a') + priceOf('b')
        const { rehearsalShare, penalty, rate, domains = {} } = after(measurements, epsilon)
        expect(rehearsalShare).toBeCloseTo(1 - Math.exp(-price) / 2, 9)
        expect(penalty).toBeCloseTo(1 + price, 9)
        expect(rate).toBe(1)
        // Old rows ∝ p + 0.1, relative to those of a domain that has no price.
        for (const domain of ['a', 'b'] as const)
          expect(domains[domain]).toBeCloseTo((priceOf(domain) + 0.1) / 0.1, 6)
      },
    ),
    { numRuns: times(100, 1000) },
  )
})

test('rehearses half while nothing is forgotten, more and more while too much is, and less again after', () => {
  const shares = (forgotten: readonly number[]): number[] =>
    dryRunControl(forgetAtMost(0.1), {
      bitsPerByte: forgotten.map(() => 2),
      probes: Object.fromEntries(forgotten.map((a, i) => [i + 1, measured({ a })])),
    }).map(({ knobs }) => knobs.rehearsalShare)
  expect(shares([0, 0.05, 0.1])).toEqual([0.5, 0.5, 0.5])
  const [calm, rising, falling] = [Array(3).fill(0), Array(40).fill(0.2), Array(200).fill(0)] as number[][]
  const found = shares([...calm, ...rising, ...falling])
  const high = found[calm.length + rising.length - 1]
  // A multiplier that has risen by nearly 0.05 forty times, and 10 × 0.1 for what is forgotten now.
  expect(high).toBeGreaterThan(1 - Math.exp(-2.7) / 2)
  expect(found.slice(3, 43)).toEqual(found.slice(3, 43).toSorted((a, b) => a - b))
  // What is not forgotten any more stops to count at once; what it has come to cost, in time.
  const [soon, late] = [found[calm.length + rising.length + 4], found.at(-1) as number]
  expect(soon).toBeLessThan(high - 0.02)
  expect(soon).toBeGreaterThan(0.6)
  expect(late).toBe(0.5)
  expect(shares(Array(60).fill(2)).at(-1)).toBeCloseTo(1 - Math.exp(-4) / 2, 9)
})

test('learns faster while the loss falls from above what it usually is, at most three times', () => {
  const level = (bits: number, count: number): number[] => Array.from({ length: count }, () => bits)
  const rates = (bitsPerByte: readonly number[]): number[] =>
    dryRunControl(forgetAtMost(), { bitsPerByte }).map(({ knobs }) => knobs.rate)
  expect(new Set(rates(level(2, 50)))).toEqual(new Set([1]))
  // A new text, which is being learnt.
  const falling = Array.from({ length: 150 }, (_, i) => 3 + 6 * Math.exp(-i / 40))
  const learnt = rates([...level(2, 400), ...falling]).slice(400)
  expect(Math.max(...learnt)).toBeGreaterThan(1.3)
  expect(Math.max(...rates([...level(2, 400), ...level(40, 30), ...level(3, 60)]))).toBe(3)
  // Noise, of which nothing is learnt, and the beginning of a life, whose loss is nowhere above.
  const noise = rates([...level(2, 400), ...level(8, 150)]).slice(400)
  expect(Math.max(...noise)).toBe(1)
  expect(rates([5, 4, 3, 2]).every((rate) => rate === 1)).toBe(true)
})

test('says what is forgotten most, and when no more can be had', () => {
  const probes = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [i + 1, measured({ prose: 0.1, code: 0.3 })] as const),
  )
  const decisions = dryRunControl(forgetAtMost(), {
    bitsPerByte: Array.from({ length: 21 }, () => 2),
    probes,
  })
  expect(decisions[0].reason).toMatch(/^0\.150 bits forgotten of code: \d+ % of the rehearsal$/)
  expect(decisions[19].reason).toMatch(/no more rehearsal can be had$/)
  expect(decisions[20].reason).toBeNull()
})

test.each([0, -1, Number.NaN, Infinity, '0.1'])('an ε of %s is refused', (epsilon) => {
  expect(() => forgetAtMost(epsilon as number)).toThrow(OptionError)
})

test('what is no life is refused', () => {
  for (const input of [
    {},
    { bitsPerByte: ['a'] },
    { bitsPerByte: [1], drifts: [0] },
    { bitsPerByte: [1], probe: {} },
  ])
    expect(() => dryRunControl(forgetAtMost(), input as never)).toThrow(OptionError)
  expect(() =>
    dryRunControl({ ...forgetAtMost(), decide: () => null } as never, { bitsPerByte: [1] }),
  ).toThrow(OptionError)
})
