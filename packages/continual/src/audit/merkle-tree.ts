/**
 * Merkle trees over an append-only list (RFC 6962, section 2.1): hashes of leaves and nodes, the root, and
 * proofs that an entry is in a list, or that one list begins with another.
 */
import { sha256 } from './sha256.ts'

/** Hash of an entry: SHA-256 of a byte 0 and the entry. */
export const leafHash = (entry: Uint8Array): Uint8Array => prefixed(0, entry)

/** Hash of two subtrees: SHA-256 of a byte 1 and both hashes. */
const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => prefixed(1, left, right)

function prefixed(first: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 1))
  bytes[0] = first
  let at = 1
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return sha256(bytes)
}

/**
 * The largest perfect subtrees of a tree, left to right: one for each bit 1 of its size. They are all that is
 * needed to go on.
 */
export type Peaks = readonly Uint8Array[]

/** The peaks of a tree of `size` leaves with one leaf more. */
export function grownPeaks(peaks: Peaks, size: number, leaf: Uint8Array): Peaks {
  const left = [...peaks]
  let hash = leaf
  for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) hash = nodeHash(left.pop() as Uint8Array, hash)
  return [...left, hash]
}

/** Leaves below each peak of a tree, left to right. */
export function peakSizes(size: number): number[] {
  const sizes: number[] = []
  for (let rest = size; rest > 0; rest -= sizes[sizes.length - 1])
    sizes.push(2 ** Math.floor(Math.log2(rest)))
  return sizes
}

/** The root of a tree; of one without leaves the hash of nothing. */
export function rootOfPeaks(peaks: Peaks): Uint8Array {
  if (peaks.length === 0) return sha256(new Uint8Array())
  return peaks.reduceRight((right, left) => nodeHash(left, right))
}

/** The root of the leaves from `from` up to `to`. */
function rootOf(leaves: readonly Uint8Array[], from = 0, to: number = leaves.length): Uint8Array {
  let peaks: Peaks = []
  for (let i = from; i < to; i++) peaks = grownPeaks(peaks, i - from, leaves[i])
  return rootOfPeaks(peaks)
}

/** The largest power of two below a number from 2 on. */
const splitOf = (size: number): number => 2 ** (Math.ceil(Math.log2(size)) - 1)

/** The hashes that lead from a leaf to the root, lowest first: PATH of RFC 6962, section 2.1.1. */
export function inclusionPath(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  const path = (from: number, to: number): Uint8Array[] => {
    if (to - from === 1) return []
    const middle = from + splitOf(to - from)
    return index < middle
      ? [...path(from, middle), rootOf(leaves, middle, to)]
      : [...path(middle, to), rootOf(leaves, from, middle)]
  }
  return path(0, leaves.length)
}

/** The root that a path leads to (RFC 9162, section 2.1.3.2); null for a path of another length. */
export function rootByInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | null {
  let [at, last, hash] = [index, size - 1, leaf]
  for (const other of path) {
    if (last === 0) return null
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(other, hash)
      while (at % 2 === 0 && at > 0) [at, last] = [at / 2, Math.floor(last / 2)]
    } else hash = nodeHash(hash, other)
    ;[at, last] = [Math.floor(at / 2), Math.floor(last / 2)]
  }
  return last === 0 ? hash : null
}

/**
 * The hashes that show that the first `size` leaves are the beginning of all: PROOF of RFC 6962, section
 * 2.1.2. None where `size` is 0 or that of all.
 */
export function consistencyPath(leaves: readonly Uint8Array[], size: number): Uint8Array[] {
  const path = (from: number, to: number, left: number, isWhole: boolean): Uint8Array[] => {
    if (left === to - from) return isWhole ? [] : [rootOf(leaves, from, to)]
    const middle = splitOf(to - from)
    return left <= middle
      ? [...path(from, from + middle, left, isWhole), rootOf(leaves, from + middle, to)]
      : [...path(from + middle, to, left - middle, false), rootOf(leaves, from, from + middle)]
  }
  return size === 0 ? [] : path(0, leaves.length, size, true)
}

/** Sizes and roots of two trees. */
export interface TwoTrees {
  readonly first: { readonly size: number; readonly root: Uint8Array }
  readonly second: { readonly size: number; readonly root: Uint8Array }
}

/** Whether a path shows that the second tree begins with the first (RFC 9162, section 2.1.4.2). */
export function isConsistent({ first, second }: TwoTrees, path: readonly Uint8Array[]): boolean {
  if (first.size > second.size) return false
  if (first.size === second.size) return path.length === 0 && isSame(first.root, second.root)
  if (first.size === 0) return path.length === 0 && isSame(first.root, sha256(new Uint8Array()))
  const all = peakSizes(first.size).length === 1 ? [first.root, ...path] : path
  if (all.length === 0) return false
  let [at, last] = [first.size - 1, second.size - 1]
  while (at % 2 === 1) [at, last] = [(at - 1) / 2, Math.floor(last / 2)]
  let [before, after] = [all[0], all[0]]
  for (const other of all.slice(1)) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      before = nodeHash(other, before)
      after = nodeHash(other, after)
      while (at % 2 === 0 && at > 0) [at, last] = [at / 2, Math.floor(last / 2)]
    } else after = nodeHash(after, other)
    ;[at, last] = [Math.floor(at / 2), Math.floor(last / 2)]
  }
  return last === 0 && isSame(before, first.root) && isSame(after, second.root)
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
