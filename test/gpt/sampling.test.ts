import { sampleToken, tokenProbabilities } from '@burgeon/gpt'
import { keyFromSeed, OptionError, RandomStream } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const stream = (seed: number): RandomStream => new RandomStream(keyFromSeed(seed))
const logitsOf = (...probabilities: number[]): number[] => probabilities.map(Math.log)

/** How often each token comes up. */
function counts(
  logits: readonly number[],
  options: Parameters<typeof sampleToken>[1],
  draws: number,
): number[] {
  const random = stream(2026)
  const result = logits.map(() => 0)
  for (let i = 0; i < draws; i++) result[sampleToken(logits, options, random)]++
  return result
}

function chiSquare(observed: readonly number[], probabilities: readonly number[]): number {
  const total = observed.reduce((sum, n) => sum + n, 0)
  return observed.reduce((sum, n, i) => {
    const expected = total * probabilities[i]
    return expected === 0 ? sum + (n === 0 ? 0 : Infinity) : sum + (n - expected) ** 2 / expected
  }, 0)
}

/** 99.9 % quantiles of χ² by degrees of freedom. */
const limits: Record<number, number> = { 1: 10.83, 2: 13.82, 3: 16.27 }

describe('sampling', () => {
  const probabilities = [0.1, 0.4, 0.2, 0.3]
  const logits = logitsOf(...probabilities)

  test('takes each token as often as the softmax says', () => {
    expect(chiSquare(counts(logits, {}, 20_000), probabilities)).toBeLessThan(limits[3])
  })
  test('would fail that test if it were a little off', () => {
    expect(chiSquare(counts(logits, {}, 20_000), [0.11, 0.39, 0.21, 0.29])).toBeGreaterThan(limits[3])
  })
  test('sharpens with a temperature below 1 and flattens above', () => {
    for (const temperature of [0.5, 3]) {
      const powers = probabilities.map((p) => p ** (1 / temperature))
      const total = powers.reduce((a, b) => a + b, 0)
      const expected = powers.map((p) => p / total)
      expect(chiSquare(counts(logits, { temperature }, 20_000), expected)).toBeLessThan(limits[3])
    }
  })
  test('keeps the k likeliest in proportion', () => {
    const observed = counts(logits, { topK: 2 }, 10_000)
    expect(chiSquare(observed, [0, 4 / 7, 0, 3 / 7])).toBeLessThan(limits[1])
  })
  test('keeps the smallest set that reaches the share p', () => {
    // 0.4 + 0.3 = 0.7 reaches 0.69 and not 0.71
    expect(chiSquare(counts(logits, { topP: 0.69 }, 10_000), [0, 4 / 7, 0, 3 / 7])).toBeLessThan(limits[1])
    expect(chiSquare(counts(logits, { topP: 0.71 }, 10_000), [0, 4 / 9, 2 / 9, 3 / 9])).toBeLessThan(
      limits[2],
    )
  })
  test('measures p within the k likeliest, at the temperature given', () => {
    // of 4/7 and 3/7 the first alone reaches 0.5
    expect(counts(logits, { topK: 2, topP: 0.5 }, 100)).toEqual([0, 100, 0, 0])
    expect(counts(logits, { temperature: 0.05, topP: 0.9 }, 100)).toEqual([0, 100, 0, 0])
  })
  test('takes the likeliest token, the first of equals, at temperature 0 and wherever only one may stay', () => {
    for (const options of [{ temperature: 0 }, { topK: 1 }, { topP: 1e-9 }]) {
      expect(counts([1, 3, 3, 2], options, 100)).toEqual([0, 100, 0, 0])
    }
  })
  test('takes only the likeliest tokens at a temperature near 0, and both of equals', () => {
    const [low, first, second, high] = counts([1, 3, 3, 2], { temperature: 1e-300 }, 100)
    expect([low, high]).toEqual([0, 0])
    expect(Math.min(first, second)).toBeGreaterThan(20)
  })
  test('draws one number, and none at temperature 0', () => {
    const random = stream(1)
    const next = (): RandomStream => RandomStream.fromState(random.toState())
    const untouched = next().uint32()
    sampleToken(logits, { temperature: 0 }, random)
    expect(next().uint32()).toBe(untouched)
    const other = next()
    other.uniform()
    sampleToken(logits, { topK: 3, topP: 0.9 }, random)
    expect(next().uint32()).toBe(other.uint32())
  })
  test('gives the same token for the same seed, whatever constant is added to the logits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 0 }),
        fc.constantFrom(0, 1024, -1024),
        (numbers, seed, shift) => {
          const drawn = sampleToken(numbers, { temperature: 0.7 }, stream(seed))
          expect(
            sampleToken(
              numbers.map((x) => x + shift),
              { temperature: 0.7 },
              stream(seed),
            ),
          ).toBe(drawn)
        },
      ),
    )
  })
  test('never takes a token that is masked or outside the k likeliest, even among huge logits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double({ min: -1e4, max: 1e4, noNaN: true }), fc.constant(-Infinity)), {
          minLength: 1,
          maxLength: 9,
        }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 0 }),
        (numbers, topK, seed) => {
          fc.pre(numbers.some(Number.isFinite))
          const token = sampleToken(numbers, { topK }, stream(seed))
          expect(numbers[token]).toBeGreaterThan(-Infinity)
          const better = numbers.filter((x) => x > numbers[token]).length
          expect(better).toBeLessThan(topK)
        },
      ),
    )
  })
  test('takes an infinite logit, and each of several', () => {
    expect(counts([1, Infinity, 2], {}, 50)).toEqual([0, 50, 0])
    expect(counts([Infinity, 0, Infinity], {}, 50).map((n) => n > 0)).toEqual([true, false, true])
  })
  test.each([
    [{ temperature: -1 }, 'sampleToken: got temperature -1; expected a number ≥ 0.'],
    [{ temperature: Infinity }, 'got temperature Infinity'],
    [{ temperature: Number.NaN }, 'got temperature NaN'],
    [{ topK: 0 }, 'sampleToken: got topK 0; expected a positive integer.'],
    [{ topK: 1.5 }, 'got topK 1.5'],
    [{ topP: 0 }, 'sampleToken: got topP 0; expected a number in (0, 1].'],
    [{ topP: 1.1 }, 'got topP 1.1'],
  ])('refuses %o', (options, message) => {
    expect(() => sampleToken(logits, options, stream(1))).toThrow(OptionError)
    expect(() => sampleToken(logits, options, stream(1))).toThrow(message)
  })
})

test('minP keeps exactly the tokens whose weight is large enough, for any logits and temperature', () => {
  const logit = fc.oneof(
    fc.double({ min: -1e12, max: 1e12, noNaN: true }),
    fc.double({ min: -9, max: 9, noNaN: true }),
  )
  const options = fc.record({
    temperature: fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
    minP: fc.oneof(fc.double({ min: 1e-9, max: 1, noNaN: true }), fc.constant(1)),
  })
  fc.assert(
    fc.property(
      fc.array(logit, { minLength: 1, maxLength: 12 }),
      options,
      (logits, { temperature, minP }) => {
        const top = Math.max(...logits)
        const weights = logits.map((each) => Math.exp((each - top) / temperature))
        const kept = weights.map((weight) => (weight >= minP ? weight : 0))
        const total = kept.reduce((sum, weight) => sum + weight, 0)
        const expected = kept.map((weight) => weight / total)
        expect([...tokenProbabilities(logits, { temperature, minP })]).toEqual(expected)
      },
    ),
  )
})
