/** What sampling leaves of a distribution, against the definitions written down plainly. */
import { penalize, sampleToken, type SamplingOptions, tokenProbabilities } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'

/**
 * Temperature, then the k likeliest, then the nucleus, then those near the likeliest: each on the softmax of what the one before
 * has left, with −∞ for what is gone, as warpers follow each other at Hugging Face. Of equals the earlier token ranks first.
 */
function plainly(logits: readonly number[], options: SamplingOptions): number[] {
  const { temperature = 1, topK = logits.length, topP = 1, minP = 0 } = options
  const ranked = logits.map((_, i) => i).sort((a, b) => logits[b] - logits[a] || a - b)
  const softmax = (scores: readonly number[]): number[] => {
    const top = Math.max(...scores)
    const powers = scores.map((x) => (x === top ? 1 : Math.exp(x - top)))
    const total = powers.reduce((a, b) => a + b, 0)
    return powers.map((x) => x / total)
  }
  const top = logits[ranked[0]]
  let scores = logits.map((x) => (x === top ? 0 : (x - top) / temperature))
  if (temperature === 0) scores = logits.map((_, i) => (i === ranked[0] ? 0 : -Infinity))
  const keep = (stays: (token: number, rank: number) => boolean): void => {
    const kept = ranked.filter(stays)
    scores = scores.map((x, token) => (kept.includes(token) ? x : -Infinity))
  }
  keep((_, rank) => rank < topK)
  const p = softmax(scores)
  const before = (rank: number): number => ranked.slice(0, rank).reduce((sum, token) => sum + p[token], 0)
  keep((_, rank) => rank === 0 || before(rank) < topP)
  keep((token) => scores[token] >= Math.log(minP))
  return softmax(scores)
}

/** Whether a share a hair larger or smaller would keep other tokens: rounding decides there, and the definition does not say. */
function roundingDecides(logits: readonly number[], options: SamplingOptions): boolean {
  const kept = (factor: number): string => {
    const { topP, minP } = options
    const nudged = { ...options }
    if (topP !== undefined && topP < 1) Object.assign(nudged, { topP: topP * factor })
    if (minP !== undefined) Object.assign(nudged, { minP: Math.min(1, minP * factor) })
    return plainly(logits, nudged)
      .map((p) => Number(p > 0))
      .join('')
  }
  return kept(1 - 1e-9) !== kept(1 + 1e-9)
}

const anyLogit = fc.oneof(
  { weight: 4, arbitrary: fc.double({ min: -20, max: 20, noNaN: true }) },
  { weight: 2, arbitrary: fc.integer({ min: -2, max: 2 }) },
  fc.constantFrom(-Infinity, Infinity, 1e300, -1e300, 0, -0, 5e-324),
)
const anyOptions = fc.record(
  {
    temperature: fc.constantFrom(0, 1e-300, 0.01, 0.5, 1, 3, 1e300),
    topK: fc.integer({ min: 1, max: 40 }),
    topP: fc.constantFrom(1e-9, 0.1, 0.37, 0.811, 0.9999, 1),
    minP: fc.constantFrom(0, 1e-6, 0.0513, 0.31, 1),
  },
  { requiredKeys: [] },
)

describe('probabilities of sampling', () => {
  test('are those of the definitions, for ties, masks, extreme logits and any options', () => {
    fc.assert(
      fc.property(fc.array(anyLogit, { minLength: 1, maxLength: 30 }), anyOptions, (logits, options) => {
        fc.pre(logits.some((x) => x > -Infinity))
        const expected = plainly(logits, options)
        fc.pre(!roundingDecides(logits, options))
        const probabilities = tokenProbabilities(logits, options)
        expected.forEach((p, i) => expect(Math.abs(probabilities[i] - p)).toBeLessThan(1e-9))
      }),
      { numRuns: times(2000, 20_000) },
    )
  })
  test('are the same for a large vocabulary, peaked or flat, with and without ties', () => {
    const random = new RandomStream(keyFromSeed(3))
    for (const [spread, step] of [
      [0.01, 0],
      [1, 0],
      [6, 0],
      [3, 0.5],
      [0, 0],
    ]) {
      const logits = Array.from({ length: 3000 }, () => {
        const x = Math.fround(spread * random.normal())
        return step === 0 ? x : Math.round(x / step) * step
      })
      // Shares that no sum of equal probabilities meets: there rounding would decide.
      for (const options of [
        { topK: 1 },
        { topK: 50 },
        { topK: 50, topP: 0.80003 },
        { topK: 2900 },
        { topP: 0.30007 },
        { topP: 0.95003, temperature: 0.7 },
        { minP: 0.1 },
        { topP: 0.90003, minP: 0.02 },
      ]) {
        const expected = plainly(logits, options)
        for (const given of [logits, Float32Array.from(logits)]) {
          const probabilities = tokenProbabilities(given, options)
          expect(Math.max(...expected.map((p, i) => Math.abs(p - probabilities[i])))).toBeLessThan(1e-9)
        }
      }
    }
  })
  test('are how often sampleToken takes each token', () => {
    const random = new RandomStream(keyFromSeed(4))
    const logits = [0.3, -1, 2, 2, 0.1, -Infinity, 1]
    for (const options of [
      {},
      { topK: 4 },
      { topP: 0.8 },
      { minP: 0.2 },
      { temperature: 2, topP: 0.9, minP: 0.3 },
    ]) {
      const counts = logits.map(() => 0)
      const draws = 20_000
      for (let i = 0; i < draws; i++) counts[sampleToken(logits, options, random)]++
      tokenProbabilities(logits, options).forEach((p, i) => {
        expect(Math.abs(counts[i] / draws - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / draws) + 1e-12)
      })
    }
  })
})

describe('penalties', () => {
  test('divide and multiply once per token of prompt and output, and count what was written', () => {
    const tokens = fc.array(fc.nat({ max: 7 }), { maxLength: 12 })
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 8, maxLength: 8 }),
        tokens,
        tokens,
        fc.record(
          {
            repetitionPenalty: fc.constantFrom(0.5, 1, 1.2, 3),
            frequencyPenalty: fc.constantFrom(-1, 0, 0.4),
            presencePenalty: fc.constantFrom(-1, 0, 0.7),
          },
          { requiredKeys: [] },
        ),
        (logits, prompt, written, options) => {
          const { repetitionPenalty: r = 1, frequencyPenalty = 0, presencePenalty = 0 } = options
          const expected = logits.map((logit, token) => {
            const count = written.filter((each) => each === token).length
            const isThere = count > 0 || prompt.includes(token)
            const repeated = !isThere ? logit : logit < 0 ? logit * r : logit / r
            return repeated - frequencyPenalty * count - (count > 0 ? presencePenalty : 0)
          })
          const changed = penalize(logits, prompt, written, options)
          expected.forEach((logit, i) => expect(changed[i]).toBeCloseTo(logit, 10))
        },
      ),
    )
  })
  test('leave the logits that came in as they were', () => {
    const logits = Float32Array.of(1, -1)
    penalize(logits, [0], [1], { repetitionPenalty: 2, presencePenalty: 1 })
    expect([...logits]).toEqual([1, -1])
  })
})
