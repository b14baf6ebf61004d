/**
 * Frames: what is written into a segment in one go, with its length and checksums, and what is found there
 * again.
 *
 * A frame is a header of twelve bytes (the length of its content, the CRC-32 of the content, the CRC-32 of
 * these eight bytes) and the content, JSON, which has no byte 0. One append writes one frame and is
 * acknowledged before the next begins. So a frame that is followed by another had been acknowledged, and
 * whatever is wrong with it is damage; the last one may have been torn by a power cut.
 */
import { ExperienceError } from '../errors.ts'
import { cyclicChecksum } from '../stream/cyclic-checksum.ts'

/** CRC-32 (ISO 3309), by the polynomial of IEEE 802.3. */
export const crc32: (bytes: Uint8Array) => number = cyclicChecksum(0xedb88320)

const header = 12
/**
 * So many bytes 0 in a row occur in no frame: they are a block of a file that was made longer, and that the
 * power cut kept from being filled.
 */
const unwritten = 16

/** A frame that holds some JSON. */
export function frameOf(json: unknown): Uint8Array {
  const content = new TextEncoder().encode(JSON.stringify(json))
  const frame = new Uint8Array(header + content.length)
  const view = new DataView(frame.buffer)
  view.setUint32(0, content.length, true)
  view.setUint32(4, crc32(content), true)
  view.setUint32(8, crc32(frame.subarray(0, 8)), true)
  frame.set(content, header)
  return frame
}

/** A frame in a file. */
export interface FoundFrame {
  readonly json: unknown
  /** Its first byte in the file. */
  readonly from: number
  /** The byte after its last. */
  readonly to: number
}

/**
 * The frames of a file in order, up to its end or to one that was torn.
 *
 * @param file For messages.
 * @throws ExperienceError for bytes that were written and have changed since.
 */
export function* framesIn(bytes: Uint8Array, file: string): Generator<FoundFrame, void, void> {
  let from = 0
  while (from < bytes.length) {
    const found = frameAt(bytes, from)
    if (typeof found === 'string') {
      if (isTorn(bytes, from)) return
      throw new ExperienceError(
        `${file}: ${found} at byte ${from} is damaged: its checksum is another. Put back a copy of the file; what ` +
          'lies before that byte is whole.',
      )
    }
    yield found
    from = found.to
  }
}

/** The frame that begins at a byte, or what is wrong there. */
function frameAt(bytes: Uint8Array, from: number): FoundFrame | 'the header' | 'the content' {
  const to = endOf(bytes, from)
  if (to === undefined) return 'the header'
  const content = bytes.subarray(from + header, to)
  const { buffer, byteOffset } = bytes
  const isWhole =
    to <= bytes.length && crc32(content) === new DataView(buffer, byteOffset).getUint32(from + 4, true)
  return isWhole ? { json: JSON.parse(new TextDecoder().decode(content)), from, to } : 'the content'
}

/** The byte after the frame that begins at a byte, by its header; undefined if that is none. */
function endOf(bytes: Uint8Array, from: number): number | undefined {
  if (bytes.length - from < header) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const isHeader = crc32(bytes.subarray(from, from + 8)) === view.getUint32(from + 8, true)
  return isHeader ? from + header + view.getUint32(from, true) : undefined
}

/** Whether a frame that cannot be read is one whose writing was cut short. */
function isTorn(bytes: Uint8Array, from: number): boolean {
  if (bytes.length - from < header) return true
  const to = endOf(bytes, from)
  if (to !== undefined && to !== bytes.length) return to > bytes.length
  if (!hasUnwritten(bytes.subarray(from))) return false
  if (to !== undefined) return true
  // A block in the midst of a file can be lost, too; what was written after it shows that it had been there.
  for (let next = from + 1; next < bytes.length; next++) {
    if (typeof frameAt(bytes, next) !== 'string') return false
  }
  return true
}

function hasUnwritten(bytes: Uint8Array): boolean {
  let zeros = 0
  for (const byte of bytes) {
    zeros = byte === 0 ? zeros + 1 : 0
    if (zeros === unwritten) return true
  }
  return false
}
