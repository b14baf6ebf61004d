/** From blocks of a GGUF file to single floats. */
import { arrayFromRaw } from '@burgeon/tensor'

/** Writes the numbers of whole blocks. */
type ReadBlocks = (bytes: Uint8Array, to: Float32Array) => void

let everyHalf: Float32Array | undefined

/** All half floats by their bits. */
function halves(): Float32Array {
  everyHalf ??= arrayFromRaw({
    type: 'F16',
    shape: [2 ** 16],
    bytes: new Uint8Array(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits).buffer),
  }) as Float32Array
  return everyHalf
}

const halfAt = (table: Float32Array, bytes: Uint8Array, at: number): number =>
  table[bytes[at] | (bytes[at + 1] << 8)]

/**
 * One of 8 numbers of 6 bits, scales (`first` 0) or minima (4), in 12 bytes: four of each whole, the low
 * halves of the others side by side, and their high bits above those of the first four.
 */
function sixBits(bytes: Uint8Array, at: number, group: number, first: 0 | 4): number {
  if (group < 4) return bytes[at + first + group] & 63
  const low = bytes[at + group + 4] >> first
  return (low & 15) | ((bytes[at + first + group - 4] >> 6) << 4)
}

const plain =
  (type: 'F32' | 'F16' | 'BF16' | 'F64'): ReadBlocks =>
  (bytes, to) =>
    to.set(arrayFromRaw({ type, shape: [to.length], bytes }))

/** By type. A block of Q8_0 and Q4_0 is a scale d and 32 integers q: x = d·q, and d·(q − 8). */
const readers: Readonly<Record<string, ReadBlocks>> = {
  F32: plain('F32'),
  F16: plain('F16'),
  BF16: plain('BF16'),
  F64: plain('F64'),
  Q8_0(bytes, to) {
    const table = halves()
    for (let at = 0, i = 0; i < to.length; at += 34, i += 32) {
      const scale = halfAt(table, bytes, at)
      for (let j = 0; j < 32; j++) to[i + j] = scale * ((bytes[at + 2 + j] << 24) >> 24)
    }
  },
  Q4_0(bytes, to) {
    const table = halves()
    for (let at = 0, i = 0; i < to.length; at += 18, i += 32) {
      const scale = halfAt(table, bytes, at)
      for (let j = 0; j < 16; j++) {
        const pair = bytes[at + 2 + j]
        to[i + j] = scale * ((pair & 15) - 8)
        to[i + j + 16] = scale * ((pair >> 4) - 8)
      }
    }
  },
  // A scale, a minimum and 32 integers: x = d·q + m.
  Q4_1(bytes, to) {
    const table = halves()
    for (let at = 0, i = 0; i < to.length; at += 20, i += 32) {
      const [scale, least] = [halfAt(table, bytes, at), halfAt(table, bytes, at + 2)]
      for (let j = 0; j < 16; j++) {
        const pair = bytes[at + 4 + j]
        to[i + j] = scale * (pair & 15) + least
        to[i + j + 16] = scale * (pair >> 4) + least
      }
    }
  },
  // A scale s and a minimum m of 6 bits for every 32 numbers, and one scale of each for all: x = d·s·q − e·m.
  Q4_K(bytes, to) {
    const table = halves()
    for (let at = 0, i = 0; i < to.length; at += 144, i += 256) {
      const [scale, least] = [halfAt(table, bytes, at), halfAt(table, bytes, at + 2)]
      for (let group = 0; group < 8; group++) {
        const own = Math.fround(scale * sixBits(bytes, at + 4, group, 0))
        const below = Math.fround(least * sixBits(bytes, at + 4, group, 4))
        const [from, shift] = [at + 16 + 32 * (group >> 1), 4 * (group & 1)]
        for (let j = 0; j < 32; j++) {
          to[i + 32 * group + j] = Math.fround(own * ((bytes[from + j] >> shift) & 15)) - below
        }
      }
    }
  },
  // Low and high bits apart, a scale for every 16 numbers: x = d·s·(q − 32). The head is stored so in most
  // files whose other tensors are Q4_0.
  Q6_K(bytes, to) {
    const table = halves()
    for (let at = 0, i = 0; i < to.length; at += 210, i += 256) {
      const scale = halfAt(table, bytes, at + 208)
      for (let j = 0; j < 256; j++) {
        const [half, within] = [j >> 7, j & 127]
        const [quarter, column] = [within >> 5, within & 31]
        const low = bytes[at + 64 * half + 32 * (quarter & 1) + column] >> (quarter < 2 ? 0 : 4)
        const high = bytes[at + 128 + 32 * half + column] >> (2 * quarter)
        const q = ((low & 15) | ((high & 3) << 4)) - 32
        to[i + j] = scale * ((bytes[at + 192 + (j >> 4)] << 24) >> 24) * q
      }
    }
  },
}

/** The types that are read. */
export const readableTypes: readonly string[] = Object.keys(readers)

/** What reads a type; undefined for the others. */
export const readerOf = (type: string): ReadBlocks | undefined =>
  Object.hasOwn(readers, type) ? readers[type] : undefined
