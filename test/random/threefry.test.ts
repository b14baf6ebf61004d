// Reaches inside: what is tested here is a part of its package, not an entry point.
/** Threefry against the published vectors: Random123's own, and JAX's keys, splits, folds and bits. */
import { foldIn, type RandomKey, keyFromSeed, OptionError, splitKey } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bits, fillBits, threefry2x32 } from '../../packages/tensor/src/random/threefry.ts'

const index = fc.maxSafeNat()
const word = fc.nat({ max: 0xffffffff })
const key: fc.Arbitrary<RandomKey> = fc.tuple(word, word)

function filled(from: RandomKey, n: number, start?: number): number[] {
  const out = new Uint32Array(n)
  fillBits(from, out, start)
  return [...out]
}

// Random123's kat_vectors for threefry2x32 with 20 rounds; JAX's tests/random_test.py testThreefry2x32 has the same.
test.for([
  { under: [0, 0], counter: [0, 0], gives: [0x6b200159, 0x99ba4efe] },
  {
    under: [0xffffffff, 0xffffffff],
    counter: [0xffffffff, 0xffffffff],
    gives: [0x1cb996fc, 0xbb002be7],
  },
  {
    under: [0x13198a2e, 0x03707344],
    counter: [0x243f6a88, 0x85a308d3],
    gives: [0xc4923a9c, 0x483df7a0],
  },
] as const)('the cipher gives Random123’s known answer for $counter', ({ under, counter, gives }) => {
  expect(threefry2x32(under, counter[0], counter[1])).toEqual(gives)
})

/**
 * JAX 0.10.2 with jax_threefry_partitionable=True, its default; per seed:
 *   random.key_data(random.split(random.key(seed), 3))
 *   random.bits(random.key(seed), (6,), dtype='uint32')
 *   random.key_data(random.fold_in(random.key(seed), data)) for data in (0, 1, 1234, 2**32 - 1)
 * Seeds 0, 1 and 10 stand in jax-js's tests too; fold_in(key(1701), 1234) is older than the layout and equal in both.
 */
const fromJax = [
  {
    seed: 0,
    keys: [
      [1797259609, 2579123966],
      [928981903, 3453687069],
      [4146024105, 2718843009],
    ],
    random: [4070199207, 4202968722, 1427181096, 2012915765, 2447653815, 710830403],
    folds: [
      [1797259609, 2579123966],
      [928981903, 3453687069],
      [684292728, 1995989849],
      [743310391, 3789761811],
    ],
  },
  {
    seed: 10,
    keys: [
      [383913478, 485898927],
      [1146805254, 434127389],
      [3912842007, 1231749211],
    ],
    random: [169096361, 1572511259, 2689743692, 2228103506, 1693388374, 109711296],
    folds: [
      [383913478, 485898927],
      [1146805254, 434127389],
      [1689982013, 3252977669],
      [1876945737, 3521982406],
    ],
  },
  {
    seed: 1701,
    keys: [
      [741045208, 1847055613],
      [85238482, 2594297577],
      [56197195, 961309823],
    ],
    random: [1111271205, 2679469115, 974515252, 521976754, 2127438447, 4120601916],
    folds: [
      [741045208, 1847055613],
      [85238482, 2594297577],
      [3803315293, 1414594004],
      [244354911, 2968384621],
    ],
  },
]

describe.for(fromJax)('as in JAX, seed $seed', ({ seed, keys, random, folds }) => {
  test('splitKey', () => expect(splitKey(keyFromSeed(seed), 3)).toEqual(keys))
  test('bits', () => expect(filled(keyFromSeed(seed), 6)).toEqual(random))
  test('foldIn', () => {
    expect([0, 1, 1234, 2 ** 32 - 1].map((data) => foldIn(keyFromSeed(seed), data))).toEqual(folds)
  })
})

test('a hundred thousand numbers are JAX’s', () => {
  // b = random.bits(random.key(7), (100000,), dtype='uint32'): b[99999], b.sum(dtype=uint64), bitwise_xor.reduce(b)
  const all = filled(keyFromSeed(7), 100_000)
  expect(all[99_999]).toBe(3042839935)
  expect(all.reduce((sum, x) => sum + x, 0)).toBe(214672772374799)
  expect(all.reduce((mixed, x) => mixed ^ x, 0) >>> 0).toBe(695952949)
})

test.for([
  // random.key_data(random.key(seed)) with jax_enable_x64; without it JAX keeps the low word alone.
  [0, [0, 0]],
  [2 ** 32 - 1, [0, 4294967295]],
  [2 ** 32, [1, 0]],
  [2 ** 32 + 5, [1, 5]],
  [1234567890123, [287, 1912276171]],
  [2 ** 53 - 1, [2097151, 4294967295]],
] as const)('the key of seed %d is JAX’s', ([seed, expected]) => {
  expect(keyFromSeed(seed)).toEqual(expected)
})

test('the layout used before JAX 0.5 is the same cipher with other counters', () => {
  // tests/random_test.py, testRngRandomBits: random.bits(PRNGKey(1701), (3,)) with jax_threefry_partitionable=False
  // takes the counters 0 … n − 1, cut in two halves (an odd n padded with 0): one half high words, one half low words.
  const under = keyFromSeed(1701)
  const [a, b] = [threefry2x32(under, 0, 2), threefry2x32(under, 1, 0)]
  expect([a[0], b[0], a[1]]).toEqual([56197195, 4200222568, 961309823])
})

test('a number depends on key and index alone, not on where a fill starts', () => {
  fc.assert(
    fc.property(
      key,
      fc.maxSafeNat().map((i) => Math.min(i, 2 ** 53 - 10)),
      fc.nat(9),
      (under, start, n) => {
        const one = Array.from({ length: n }, (_, i) => bits(under, start + i))
        expect(filled(under, n, start)).toEqual(one)
      },
    ),
  )
})

test('indices beyond 2³² carry into the high word', () => {
  fc.assert(
    fc.property(key, index, (under, at) => {
      const [high, low] = [BigInt(at) >> 32n, BigInt(at) & 0xffffffffn].map(Number)
      const [x, y] = threefry2x32(under, high, low)
      expect(bits(under, at)).toBe((x ^ y) >>> 0)
    }),
  )
})

test('splitKey and foldIn give the key of a number, whatever the count', () => {
  fc.assert(
    fc.property(key, fc.integer({ min: 1, max: 20 }), (under, n) => {
      const keys = splitKey(under, n)
      expect(keys).toEqual(splitKey(under, 20).slice(0, n))
      expect(keys).toEqual(keys.map((_, i) => foldIn(under, i)))
    }),
  )
})

test.for([-1, 0.5, Number.NaN, Infinity, 2 ** 53])('%d is no seed, count or index', (wrong) => {
  const under = keyFromSeed(0)
  expect(() => keyFromSeed(wrong)).toThrow(OptionError)
  expect(() => splitKey(under, wrong)).toThrow(OptionError)
  expect(() => bits(under, wrong)).toThrow(OptionError)
  expect(() => fillBits(under, new Uint32Array(1), wrong)).toThrow(OptionError)
  expect(() => foldIn(under, wrong)).toThrow(/foldIn: got data .*; expected an integer in 0 … 2⁵³ − 1/)
})

test('foldIn gives different keys beyond 2³²', () => {
  const late = [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40, 2 ** 40 + 1, Number.MAX_SAFE_INTEGER, 0, 1]
  const keys = late.map((data) => foldIn(keyFromSeed(0), data).join())
  expect(new Set(keys).size).toBe(late.length)
})
