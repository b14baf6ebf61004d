/**
 * Threefry-2×32 with 20 rounds (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1,
 * 2, 3"), in JAX's partitionable layout (`jax_threefry_partitionable`, the default since JAX 0.5).
 *
 * A value is a pure function of (key, element index), so replay, recomputation, growth and work split over
 * threads see the same numbers. The cipher needs nothing but 32-bit add, xor and rotate, so every backend
 * gives the same bits.
 */
import * as checks from '../checks/checks.ts'
import { checkArgument, shown } from '../checks/check-options.ts'
import { OptionError } from '../errors.ts'

/** Two uint32 words: JAX's key data. One key serves one purpose; derive more with `splitKey` or `foldIn`. */
export type RandomKey = readonly [number, number]

/**
 * Rotation distances of the rounds (Salmon et al. 2011, table 2), and the parity word of the key schedule.
 */
export const rotations: readonly (readonly number[])[] = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
]
export const parity = 0x1bd11bda

const two32 = 2 ** 32

/** JAX's `PRNGKey(seed)`. Throws OptionError unless the seed is a safe integer of 0 or more. */
export function keyFromSeed(seed: number): RandomKey {
  requireIndex('keyFromSeed', 'seed', seed)
  return [Math.floor(seed / two32), seed >>> 0]
}

/** Derives `n` independent keys; the first are the same for every `n`. JAX's `random.split`. */
export function splitKey(key: RandomKey, n: number): RandomKey[] {
  checkArgument('splitKey', 'key', key, checks.key)
  requireIndex('splitKey', 'n', n)
  return Array.from({ length: n }, (_, i) => threefry2x32(key, 0, i))
}

/**
 * The key for number `data` (a step, a layer, a hash) under `key`, from 0 to 2⁵³ − 1. Below 2³² it is JAX's
 * `fold_in`.
 */
export function foldIn(key: RandomKey, data: number): RandomKey {
  checkArgument('foldIn', 'key', key, checks.key)
  requireIndex('foldIn', 'data', data)
  return threefry2x32(key, Math.floor(data / two32), data >>> 0)
}

/**
 * The uint32 of element `index` under `key`. Throws OptionError unless the index is a safe integer of 0 or
 * more.
 */
export function bits(key: RandomKey, index: number): number {
  requireIndex('bits', 'index', index)
  return bitsAt(key, index)
}

/**
 * Elements `start`, `start + 1`, … under `key`, as many as `out` holds. JAX's `random.bits` when `start` is
 * 0.
 */
export function fillBits(key: RandomKey, out: Uint32Array, start = 0): void {
  requireIndex('fillBits', 'start', start)
  for (let i = 0; i < out.length; i++) out[i] = bitsAt(key, start + i)
}

function bitsAt(key: RandomKey, index: number): number {
  const words = threefry2x32(key, Math.floor(index / two32), index | 0)
  // Destructuring the pair as an iterable would take as long as the cipher.
  return (words[0] ^ words[1]) >>> 0
}

/**
 * The cipher: the counter (high, low), as 32-bit words, under a key gives two independent uniform uint32
 * words.
 */
export function threefry2x32(key: RandomKey, high: number, low: number): RandomKey {
  const k0 = key[0] | 0
  const k1 = key[1] | 0
  const k2 = k0 ^ k1 ^ parity
  let x = (high + k0) | 0
  let y = (low + k1) | 0
  // Five groups of four rounds, each followed by two words of the key schedule and the group's number.
  // Written out: a loop over the rotations takes three times as long.
  y = rotate(y, 13) ^ (x = (x + y) | 0)
  y = rotate(y, 15) ^ (x = (x + y) | 0)
  y = rotate(y, 26) ^ (x = (x + y) | 0)
  y = rotate(y, 6) ^ (x = (x + y) | 0)
  x = (x + k1) | 0
  y = (y + k2 + 1) | 0
  y = rotate(y, 17) ^ (x = (x + y) | 0)
  y = rotate(y, 29) ^ (x = (x + y) | 0)
  y = rotate(y, 16) ^ (x = (x + y) | 0)
  y = rotate(y, 24) ^ (x = (x + y) | 0)
  x = (x + k2) | 0
  y = (y + k0 + 2) | 0
  y = rotate(y, 13) ^ (x = (x + y) | 0)
  y = rotate(y, 15) ^ (x = (x + y) | 0)
  y = rotate(y, 26) ^ (x = (x + y) | 0)
  y = rotate(y, 6) ^ (x = (x + y) | 0)
  x = (x + k0) | 0
  y = (y + k1 + 3) | 0
  y = rotate(y, 17) ^ (x = (x + y) | 0)
  y = rotate(y, 29) ^ (x = (x + y) | 0)
  y = rotate(y, 16) ^ (x = (x + y) | 0)
  y = rotate(y, 24) ^ (x = (x + y) | 0)
  x = (x + k1) | 0
  y = (y + k2 + 4) | 0
  y = rotate(y, 13) ^ (x = (x + y) | 0)
  y = rotate(y, 15) ^ (x = (x + y) | 0)
  y = rotate(y, 26) ^ (x = (x + y) | 0)
  y = rotate(y, 6) ^ (x = (x + y) | 0)
  x = (x + k2) | 0
  y = (y + k0 + 5) | 0
  return [x >>> 0, y >>> 0]
}

function rotate(word: number, left: number): number {
  return (word << left) | (word >>> (32 - left))
}

function requireIndex(op: string, name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return
  throw new OptionError(`${op}: got ${name} ${shown(value)}; expected an integer in 0 … 2⁵³ − 1.`)
}
