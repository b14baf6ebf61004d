/** Pixels as a PNG file (W3C, Portable Network Graphics, third edition). */
import { crc32, deflateSync } from 'node:zlib'
import { type Check, checkArgument, checks, shown } from '@burgeon/tensor'
import { checkRaster } from '../codecs/image/raster.ts'
import { SenseError } from '../sense-error.ts'
import type { Picture } from './picture.ts'
import { signature } from './read-png.ts'

const aPicture: Check<Picture> = checks.role('a picture', 'width', 'height', 'pixels', 'channels')

/** The number of a kind of pixels in the file: grey, and color. */
const kinds = { 1: 0, 3: 2 } as const

/**
 * Writes a PNG file of 8 bits a sample, grey or in colors.
 *
 * @returns The whole file, which `readPng` reads back to the bit.
 * @throws SenseError for what is no picture, or several of them.
 */
export function writePng(picture: Picture): Uint8Array {
  checkArgument('writePng', 'picture', picture, aPicture)
  const { width, height, pixels, channels } = picture
  if (!Object.hasOwn(kinds, channels)) {
    throw new SenseError('bad-piece', `writePng: got ${shown(channels)} channels; expected 1 or 3.`)
  }
  if (checkRaster('writePng', picture, channels) !== 1) {
    throw new SenseError('bad-piece', 'writePng: got the pixels of several pictures; expected those of one.')
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  header.set([8, kinds[channels], 0, 0, 0], 8)
  const rowBytes = width * channels
  // Before each row the number of its filter: none.
  const rows = Array.from({ length: height }, (_, y) => [
    Uint8Array.of(0),
    pixels.subarray(y * rowBytes, (y + 1) * rowBytes),
  ])
  const chunks = [
    chunkOf('IHDR', header),
    chunkOf('IDAT', deflateSync(Buffer.concat(rows.flat()))),
    chunkOf('IEND', new Uint8Array(0)),
  ]
  return Uint8Array.from(Buffer.concat([Uint8Array.from(signature), ...chunks]))
}

function chunkOf(kind: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(kind, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}
