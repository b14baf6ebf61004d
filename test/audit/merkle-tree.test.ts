/** Reaches inside continual for its hashes: the digests of the standard, and the trees and proofs of Certificate Transparency. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  consistencyPath,
  grownPeaks,
  inclusionPath,
  isConsistent,
  leafHash,
  type Peaks,
  peakSizes,
  rootByInclusion,
  rootOfPeaks,
} from '../../packages/continual/src/audit/merkle-tree.ts'
import { bytesOfHex, hexOf, sha256 } from '../../packages/continual/src/audit/sha256.ts'
import { times } from '../how-long.ts'

test('SHA-256 is that of OpenSSL for bytes of all lengths', () => {
  for (let length = 0; length < 300; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + length) % 256)
    expect(hexOf(sha256(bytes))).toBe(createHash('sha256').update(bytes).digest('hex'))
  }
  expect(hexOf(sha256(new TextEncoder().encode('abc')))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
})

/** Leaves, roots and proofs of the tests of Certificate Transparency (merkle_tree_test.cc, 2012). */
const leaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
  .map(bytesOfHex)
  .map(leafHash)
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const paths: readonly (readonly [number, number, readonly string[]])[] = [
  [0, 1, []],
  [
    ...([0, 8] as const),
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    ...([5, 8] as const),
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  [
    ...([1, 5] as const),
    [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
]
const proofs: readonly (readonly [number, number, readonly string[]])[] = [
  [1, 1, []],
  [
    ...([1, 8] as const),
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    ...([6, 8] as const),
    [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [
    ...([2, 5] as const),
    [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
]

const rootOf = (some: readonly Uint8Array[]): Uint8Array =>
  rootOfPeaks(some.reduce<Peaks>((peaks, leaf, i) => grownPeaks(peaks, i, leaf), []))

describe('trees of Certificate Transparency', () => {
  test('a tree without leaves has the hash of nothing', () => {
    expect(hexOf(rootOf([]))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  })
  test('each has its root, and as many peaks as its size has ones', () => {
    for (const [i, root] of roots.entries()) expect(hexOf(rootOf(leaves.slice(0, i + 1)))).toBe(root)
    expect([1, 6, 7, 8].map(peakSizes)).toEqual([[1], [4, 2], [4, 2, 1], [8]])
  })
  test.each(paths)('the path of leaf %i of %i', (index, size, path) => {
    expect(inclusionPath(leaves.slice(0, size), index).map(hexOf)).toEqual(path)
  })
  test.each(proofs)('the proof that %i leaves are the beginning of %i', (first, second, path) => {
    expect(consistencyPath(leaves.slice(0, second), first).map(hexOf)).toEqual(path)
  })
})

const someLeaves = (size: number): Uint8Array[] =>
  Array.from({ length: size }, (_, i) => leafHash(new TextEncoder().encode(`leaf ${i}`)))

/** The same hashes with one bit of one of them turned. */
const turned = (hashes: readonly Uint8Array[], which: number, bit: number): Uint8Array[] =>
  hashes.map((hash, i) =>
    i === which ? hash.map((byte, j) => (j === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)) : hash,
  )

test('a path leads to the root, takes at most ⌈log₂ n⌉ hashes, and no other path or place does', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(69), fc.nat(255), (size, at, bit) => {
      const all = someLeaves(size)
      const index = at % size
      const path = inclusionPath(all, index)
      expect(path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)))
      const root = hexOf(rootOf(all))
      const leads = (to: number, of: number, by: readonly Uint8Array[]): boolean => {
        const found = rootByInclusion(all[index], to, of, by)
        return found !== null && hexOf(found) === root
      }
      expect(leads(index, size, path)).toBe(true)
      expect(leads(index, size, [...path, all[0]])).toBe(false)
      for (let other = 0; other < size; other++)
        if (other !== index) expect(leads(other, size, path)).toBe(false)
      for (let i = 0; i < path.length; i++) expect(leads(index, size, turned(path, i, bit))).toBe(false)
    }),
    { numRuns: times(60, 2000) },
  )
})

test('a consistency proof holds for the beginning of a list and for no other list', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(40), fc.nat(255), (size, at, bit) => {
      const all = someLeaves(size)
      const first = at % (size + 1)
      const path = consistencyPath(all, first)
      const holds = (before: readonly Uint8Array[], by: readonly Uint8Array[]): boolean =>
        isConsistent(
          { first: { size: first, root: rootOf(before) }, second: { size, root: rootOf(all) } },
          by,
        )
      expect(holds(all.slice(0, first), path)).toBe(true)
      expect(holds(all.slice(0, first), [...path, all[0]])).toBe(false)
      for (let i = 0; i < path.length; i++) {
        expect(holds(all.slice(0, first), turned(path, i, bit))).toBe(false)
        expect(holds(all.slice(0, first), path.toSpliced(i, 1))).toBe(false)
      }
      for (let i = 0; i < first; i++) expect(holds(turned(all.slice(0, first), i, bit), path)).toBe(false)
    }),
    { numRuns: times(60, 2000) },
  )
})
