/** Pixels of a PNG file (W3C, Portable Network Graphics, third edition). */
import { crc32, inflateSync } from 'node:zlib'
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { SenseError } from '../sense-error.ts'
import { limitChecks, limitsOf, type MediaLimits } from './limits.ts'
import type { Picture } from './picture.ts'
import { unfiltered } from './png-filters.ts'

/** What every PNG file begins with. */
export const signature: readonly number[] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/** Samples of a pixel, by the number of its kind: grey, color, palette, grey and color with opacity. */
const samplesOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

interface Header {
  readonly width: number
  readonly height: number
  /** Bits of a sample. */
  readonly depth: number
  readonly kind: number
}

/**
 * Reads a PNG file of any kind of pixels that is not interlaced. Opacity is left out, and of 16 bits the
 * upper 8 stay.
 *
 * @param bytes The whole file.
 * @param name What messages call it.
 * @returns Three channels, or one of a file without colors.
 * @throws SenseError that names the file, for what is no such file, is damaged, ends early or exceeds the
 *   limits, which are looked at before anything is unpacked.
 */
export function readPng(bytes: Uint8Array, name: string, limits: MediaLimits = {}): Picture {
  checkArgument('readPng', 'bytes', bytes, checks.instance('bytes in a Uint8Array', Uint8Array))
  checkArgument('readPng', 'name', name, checks.text)
  checkOptions('readPng', limits, limitChecks)
  const chunks = chunksOf(bytes, name)
  const header = headerOf(chunks.get('IHDR')?.[0], name, limitsOf(limits).pixels)
  const { width, height, depth, kind } = header
  const samples = samplesOf[kind]
  const rowBytes = Math.ceil((width * samples * depth) / 8)
  const packed = Buffer.concat(chunks.get('IDAT') ?? [])
  const filtered = unpacked(packed, height * (1 + rowBytes), name)
  const rows = unfiltered(filtered, rowBytes, Math.max(1, (samples * depth) / 8))
  if (rows === null)
    throw new SenseError('bad-piece', `${name}: got a row with no filter of PNG; expected 0 to 4.`)
  const sampleAt = (y: number, i: number): number => {
    if (depth >= 8) return rows[y * rowBytes + i * (depth / 8)]
    const bits = rows[y * rowBytes + ((i * depth) >> 3)] >> (8 - depth - ((i * depth) % 8))
    return bits & (2 ** depth - 1)
  }
  const palette = kind === 3 ? paletteOf(chunks.get('PLTE')?.[0], name) : undefined
  const channels = kind === 0 || kind === 4 ? 1 : 3
  const pixels = new Uint8Array(width * height * channels)
  // Fewer bits are spread over 8: of 1 bit 0 and 255.
  const spread = depth < 8 ? 255 / (2 ** depth - 1) : 1
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += channels) {
      if (palette === undefined) {
        for (let c = 0; c < channels; c++) pixels[at + c] = sampleAt(y, x * samples + c) * spread
        continue
      }
      const color = 3 * sampleAt(y, x)
      if (color >= palette.length)
        throw new SenseError(
          'bad-piece',
          `${name}: got color ${color / 3} of ${palette.length / 3}; expected one of its palette.`,
        )
      pixels.set(palette.subarray(color, color + 3), at)
    }
  }
  return { width, height, channels, pixels }
}

/** Chunks by kind, each with its checksum looked at. */
function chunksOf(bytes: Uint8Array, name: string): Map<string, Uint8Array[]> {
  if (!signature.every((byte, i) => bytes[i] === byte)) {
    throw new SenseError('bad-piece', `${name}: got no PNG file; expected its signature at the beginning.`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found = new Map<string, Uint8Array[]>()
  for (let at = 8; ; ) {
    const end = at + 12 <= bytes.length ? at + 12 + view.getUint32(at) : Infinity
    if (end > bytes.length) {
      throw new SenseError(
        'truncated',
        `${name}: got ${bytes.length} bytes without an end; expected a whole PNG file.`,
      )
    }
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      throw new SenseError(
        'bad-piece',
        `${name}: got a damaged chunk ${JSON.stringify(kind)}; its checksum is another.`,
      )
    }
    found.set(kind, [...(found.get(kind) ?? []), bytes.subarray(at + 8, end - 4)])
    if (kind === 'IEND') return found
    at = end
  }
}

function headerOf(chunk: Uint8Array | undefined, name: string, mostPixels: number): Header {
  if (chunk?.length !== 13)
    throw new SenseError('bad-piece', `${name}: got no header; expected one of 13 bytes.`)
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  const [width, height] = [view.getUint32(0), view.getUint32(4)]
  const [depth, kind, compression, filter, interlace] = chunk.subarray(8)
  const depths = kind === 0 ? [1, 2, 4, 8, 16] : kind === 3 ? [1, 2, 4, 8] : [8, 16]
  const isKnown =
    Object.hasOwn(samplesOf, kind) && depths.includes(depth) && compression === 0 && filter === 0
  if (width === 0 || height === 0 || !isKnown) {
    throw new SenseError(
      'bad-piece',
      `${name}: got a header of ${width}×${height} pixels of kind ${kind} and ${depth} bits; expected one that PNG has.`,
    )
  }
  if (interlace !== 0) {
    throw new SenseError(
      'unsupported',
      `${name}: got an interlaced file; expected one that is not. Write it anew without.`,
    )
  }
  if (width * height > mostPixels) {
    throw new SenseError(
      'too-large',
      `${name}: got ${width}×${height} pixels; expected at most ${mostPixels} in all.`,
    )
  }
  return { width, height, depth, kind }
}

/** Exactly so many bytes: neither more, however much more there would be, nor fewer. */
function unpacked(packed: Uint8Array, length: number, name: string): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = inflateSync(packed, { maxOutputLength: length })
  } catch (cause) {
    throw new SenseError(
      'bad-piece',
      `${name}: got pixels that cannot be unpacked into ${length} bytes; is the file damaged?`,
      { cause },
    )
  }
  if (bytes.length === length) return bytes
  throw new SenseError('truncated', `${name}: got ${bytes.length} bytes of pixels; expected ${length}.`)
}

function paletteOf(chunk: Uint8Array | undefined, name: string): Uint8Array {
  if (chunk !== undefined && chunk.length > 0 && chunk.length % 3 === 0) return chunk
  throw new SenseError('bad-piece', `${name}: got no palette; expected one of three bytes a color.`)
}
