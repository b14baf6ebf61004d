/** Merging by rank in a heap, and cutting texts of any length. Reaches inside to count work, and for texts too long to encode in a test. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  mergeByRank,
  type Merges,
  type MergeWork,
} from '../../packages/gpt/src/tokenizer/merging/merge-by-rank.ts'
import { splitText } from '../../packages/gpt/src/tokenizer/pretrained/splitting.ts'
import { PairTable } from '../../packages/gpt/src/tokenizer/merging/pair-table.ts'

/** Merges of tokens below 4; merge i makes token 4 + i. */
function mergesOf(pairs: readonly (readonly [number, number])[]): Merges {
  const table = new PairTable()
  pairs.forEach(([left, right], rank) => table.set(left, right, rank))
  return { rankOf: (left, right) => table.get(left, right), tokenOf: (rank) => 4 + rank }
}

/** Lowest rank first, then leftmost, by looking at everything every time. */
function byDefinition(tokens: readonly number[], merges: Merges): number[] {
  const rest = [...tokens]
  for (;;) {
    const ranks = rest.slice(1).map((right, i) => merges.rankOf(rest[i], right))
    const lowest = Math.min(...ranks.filter((rank) => rank >= 0))
    if (lowest === Infinity) return rest
    const at = ranks.indexOf(lowest)
    rest.splice(at, 2, merges.tokenOf(lowest, rest[at], rest[at + 1]))
  }
}

const somePairs = fc
  .array(fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: 20 })), { maxLength: 30 })
  .map((pairs) => pairs.map(([left, right], i) => [left % (4 + i), right % (4 + i)] as const))

test('a word of millions of characters is cut where the engine of expressions gives up', () => {
  const text = '日😀'.repeat(2 ** 23)
  const expression = /[^a-z]+|[a-z]/gu
  const pieces = splitText(`${text}a`, expression, 'Isolated')
  expect(pieces.length).toBeLessThan(40)
  expect(pieces.at(-1)).toBe('a')
  expect(pieces.join('') === `${text}a`).toBe(true)
  expect(pieces.every((piece) => !/^[\udc00-\udfff]/.test(piece))).toBe(true)
})

describe('merging by rank', () => {
  test('does as the definition does, however long the piece', () => {
    fc.assert(
      fc.property(somePairs, fc.array(fc.nat({ max: 3 }), { maxLength: 200 }), (pairs, tokens) => {
        const merges = mergesOf(pairs)
        const expected = byDefinition(tokens, merges)
        const merged = [...tokens]
        expect(mergeByRank(merged, merges)).toBe(expected.length)
        expect(merged).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })
  test.each([
    ['one letter', (): number => 0],
    ['two in turn', (i: number): number => i % 2],
    ['many', (i: number): number => Math.imul(i, 2654435761) >>> 30],
  ])('a word of a megabyte takes few steps a byte: %s', (_, letter) => {
    const pairs = Array.from({ length: 60 }, (__, i) => [(i * 7) % (4 + i), (i * i) % (4 + i)] as const)
    const merges = mergesOf([[0, 0], [4, 4], [0, 1], [6, 6], ...pairs])
    const work: MergeWork = { pairs: 0, heapSteps: 0 }
    const count = 2 ** 20
    const left = mergeByRank(
      Array.from({ length: count }, (__, i) => letter(i)),
      merges,
      work,
    )
    expect(work.pairs).toBe(count - left)
    expect(work.pairs).toBeGreaterThan(count / 8)
    // Three entries a merge at most, each of which sinks through twenty levels at most.
    expect(work.heapSteps).toBeLessThan(3 * 20 * count)
  })
  test('a table of pairs gives back what was put into it last', () => {
    const pair = fc.tuple(fc.nat({ max: 50 }), fc.nat({ max: 50 }), fc.nat())
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 300 }), (pairs) => {
        const table = new PairTable()
        const known = new Map<string, number>()
        for (const [left, right, rank] of pairs) {
          table.set(left, right, rank)
          known.set(`${left} ${right}`, rank)
        }
        for (let left = 0; left <= 50; left += 5) {
          for (let right = 0; right <= 50; right++)
            expect(table.get(left, right)).toBe(known.get(`${left} ${right}`) ?? -1)
        }
      }),
    )
  })
})
