/** Files as other programs write them, made by hand, so that readers meet every form. */
import { crc32, deflateSync } from 'node:zlib'

/** The header, and what lies in the file beside the pixels. */
export interface WrittenPng {
  readonly width: number
  readonly height: number
  readonly depth: number
  readonly kind: number
  /** Rows of bytes, before filters. */
  readonly rows: readonly Uint8Array[]
  /** Bytes from one pixel to the next, 1 at least. */
  readonly left: number
  readonly palette?: readonly number[]
  readonly interlace?: number
}

const predictors: readonly ((a: number, b: number, c: number) => number)[] = [
  () => 0,
  (a) => a,
  (_, b) => b,
  (a, b) => Math.floor((a + b) / 2),
  (a, b, c) => {
    const p = a + b - c
    const near = [a, b, c].toSorted((x, y) => Math.abs(p - x) - Math.abs(p - y))
    return near[0]
  },
]

/** A chunk with its length and checksum. */
export function chunk(kind: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(kind, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

/** A PNG file whose rows have filters 0 to 4 in turn, and whose pixels are in two chunks. */
export function writtenPng({
  width,
  height,
  depth,
  kind,
  rows,
  left,
  palette,
  interlace = 0,
}: WrittenPng): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  header.set([depth, kind, 0, 0, interlace], 8)
  const filtered = rows.map((row, y) => {
    const above = y > 0 ? rows[y - 1] : new Uint8Array(row.length)
    const at = (from: Uint8Array, x: number): number => (x < 0 ? 0 : from[x])
    const lessened = row.map(
      (byte, x) => byte - predictors[y % 5](at(row, x - left), above[x], at(above, x - left)),
    )
    return Buffer.concat([Uint8Array.of(y % 5), lessened])
  })
  const packed = deflateSync(Buffer.concat(filtered))
  return Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    ...(palette ? [chunk('PLTE', Uint8Array.from(palette))] : []),
    chunk('tEXt', Buffer.from('Comment\0made by a test', 'latin1')),
    chunk('IDAT', packed.subarray(0, 5)),
    chunk('IDAT', packed.subarray(5)),
    chunk('IEND', new Uint8Array(0)),
  ])
}

/** A WAV file of samples that are bytes already. */
export function writtenWav(
  form: { readonly code: number; readonly bits: number; readonly channels?: number; readonly rate?: number },
  data: Uint8Array,
  before: Uint8Array = new Uint8Array(0),
): Buffer {
  const { code, bits, channels = 1, rate = 8000 } = form
  const header = Buffer.alloc(16)
  header.writeUInt16LE(code)
  header.writeUInt16LE(channels, 2)
  header.writeUInt32LE(rate, 4)
  header.writeUInt32LE((rate * channels * bits) / 8, 8)
  header.writeUInt16LE((channels * bits) / 8, 12)
  header.writeUInt16LE(bits, 14)
  const part = (kind: string, body: Uint8Array): Buffer => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(body.length)
    return Buffer.concat([Buffer.from(kind, 'latin1'), length, body, new Uint8Array(body.length % 2)])
  }
  const chunks = Buffer.concat([part('LIST', before), part('fmt ', header), part('data', data)])
  const riff = Buffer.alloc(4)
  riff.writeUInt32LE(chunks.length + 4)
  return Buffer.concat([Buffer.from('RIFF'), riff, Buffer.from('WAVE'), chunks])
}
