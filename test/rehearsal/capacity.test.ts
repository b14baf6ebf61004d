/**
 * Rows in the fewest bytes, and capacities in bytes: what is said to be held is what is held. Reaches inside, for how rows are
 * packed is nobody's business but the store's.
 */
import { type TokenBatch, batchOfTokens, type Memory, replay, reservoirMemory } from '@burgeon/continual'
import * as continual from '@burgeon/continual'
import { StateError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stepOf } from '../continual/step-of.ts'
import { packTokens, unpackTokens } from '../../packages/continual/src/rehearsal/storage/packed-tokens.ts'
import { filled, keptBy, offer, ofDomains, rowBytes } from './offered.ts'

describe('a packed row', () => {
  const anyToken = fc.oneof(
    fc.nat(127),
    fc.nat(255),
    fc.nat(65_535),
    fc.nat(2 ** 21),
    fc.nat(2 ** 31 - 1),
    fc.constantFrom(127, 128, 255, 256, 16_383, 16_384, 65_535, 65_536, 2 ** 28, 2 ** 31 - 1),
  )
  test('comes back as it was, whatever its tokens', () => {
    fc.assert(
      fc.property(fc.array(anyToken, { maxLength: 40 }), (tokens) => {
        const row = Int32Array.from(tokens)
        expect(unpackTokens(packTokens(row))).toEqual(row)
      }),
    )
  })
  test.each([
    ['bytes', [0, 255, 7], 4],
    ['a rare large token among small ones', [1, 2, 300, 4, 5], 7],
    ['many large tokens', [300, 400, 500], 7],
    ['tokens above 16,383, two bytes each', [20_000, 30_000, 65_535], 7],
    ['tokens above 65,535', [70_000, 1], 5],
    ['the largest token', [2 ** 31 - 1], 6],
    ['nothing', [], 1],
  ])('of %s takes the fewest bytes', (_, tokens, size) => {
    expect(packTokens(Int32Array.from(tokens))).toHaveLength(size)
  })
  test('that nobody packed is refused', () => {
    for (const bytes of [[], [9, 1], [1, 1], [2, 128], [2, 255, 255, 255, 255, 255, 1]]) {
      expect(() => unpackTokens(Uint8Array.from(bytes))).toThrow(StateError)
    }
  })
})

const memories: readonly (readonly [string, () => Memory])[] = [
  ['reservoir', reservoirMemory],
  ['ring', continual.ringMemory],
  ['balanced', continual.balancedMemory],
  ['loss-aware', continual.lossAwareMemory],
  ['surprise', continual.surpriseMemory],
  ['greedy', continual.greedyMemory],
]

/** Bytes that a state holds of rows. */
const bytesIn = (of: continual.Replay): number => (of.toState() as { packed: Uint8Array }).packed.byteLength

describe.each(memories)('a capacity in bytes with the memory %s', (_, memory) => {
  test('is kept to, used, and reported, whatever the lengths of rows', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ length: fc.integer({ min: 2, max: 12 }), domain: fc.constantFrom('a', 'b', 'c') }),
          {
            minLength: 40,
            maxLength: 80,
          },
        ),
        fc.nat(9),
        (offers, seed) => {
          const room = 100
          const small = replay({ capacity: { bytes: room }, memory: memory(), seed })
          for (const { length, domain } of offers) {
            const tokens = Array.from({ length }, (_, i) => i)
            small.remember(stepOf(batchOfTokens(tokens, length - 1, domain)))
            expect(small.bytes).toBeLessThanOrEqual(room)
            expect(small.bytes).toBe(bytesIn(small))
          }
          expect(small.bytes).toBeGreaterThan(room / 2)
        },
      ),
      { numRuns: 20 },
    )
  })
  test('in rows of one size holds as many as fit', () => {
    const small = replay({ capacity: { bytes: 5 * rowBytes + 3 }, memory: memory() })
    offer(small, ofDomains('abababababababab'))
    expect([small.rows, small.bytes]).toEqual([5, 5 * rowBytes])
  })
  test('is kept to when rows are written in other tokens', () => {
    const small = replay({ capacity: { bytes: 6 * rowBytes }, memory: memory() })
    offer(small, ofDomains('abababab'))
    expect(small.rows).toBe(6)
    small.recode?.((row) => row.map((token) => 300 + token))
    // Seven bytes each: three rows are left.
    expect([small.rows, small.bytes]).toEqual([3, 21])
    expect(small.bytes).toBe(bytesIn(small))
    offer(small, ofDomains('ab'), 8)
    expect(small.bytes).toBeLessThanOrEqual(6 * rowBytes)
  })
})

test('a row that alone takes more than there is room for is left out', () => {
  const small = replay({ capacity: { bytes: 6 } })
  const long: TokenBatch = batchOfTokens([1, 2, 3, 4, 5, 6, 7], 6, 'long')
  small.remember(stepOf(long))
  expect([small.rows, small.bytes, small.sample(1)]).toEqual([0, 0, null])
  offer(small, ofDomains('a'))
  expect(keptBy(small)).toEqual([0])
})

test('a reservoir in bytes keeps rows of one size with the same chance', () => {
  const counts = new Array<number>(30).fill(0)
  for (let seed = 0; seed < 2000; seed++) {
    const small = replay({ capacity: { bytes: 5 * rowBytes }, memory: reservoirMemory(), seed })
    offer(small, ofDomains('a'.repeat(30)))
    for (const number of keptBy(small)) counts[number]++
  }
  const expected = (2000 * 5) / 30
  const sum = counts.reduce((chi, count) => chi + (count - expected) ** 2, 0)
  expect((sum / expected / (1 - 5 / 30)) * (1 - 1 / 30)).toBeLessThan(58.3) // 99.9 %, 29 degrees of freedom
})

test('a capacity in bytes is another than one in rows: no state of one is taken by the other', () => {
  const inRows = filled(reservoirMemory(), 40, ofDomains('ab'))
  expect(() => replay({ capacity: { bytes: 40 } }).restore(inRows.toState())).toThrow('40 bytes')
})
