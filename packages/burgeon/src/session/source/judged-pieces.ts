/** Text of files as a guard lets it in: in pieces that are judged one by one. */
import { findPersonalData } from '@burgeon/continual'
import type { SourceChunk } from '../../sources/read-files.ts'
import { type Gate, isLearnt } from '../guard/gate.ts'
import type { LifePosition } from '../record/life-record.ts'

/** A piece of text that is to be learnt. */
export interface JudgedPiece {
  readonly domain: string
  /** As it is learnt. */
  readonly bytes: Uint8Array
  /** Where it lay in its source, as it came. */
  readonly from: Required<LifePosition>
  /** Where what comes after it lies. */
  readonly end: Required<LifePosition>
  /** How far it is trusted, from 0 to 1. */
  readonly trust: number
}

/**
 * Bytes of a piece: cut at the end of a line, where there is one in its second half, or between two words. And
 * those after it that are looked at, so that nothing personal is cut in two, of which neither half would be known.
 */
const [pieceBytes, aheadBytes] = [4096, 512]

/**
 * Cuts text into pieces, which depend on the text and on where the reading begins alone: whoever begins at the
 * end of a piece gets the same ones after it.
 *
 * @param isPatient Waits for a whole piece; otherwise the end of a line ends one when no more has come.
 */
export async function* piecesOf(
  source: AsyncIterable<SourceChunk>,
  isPatient: boolean,
): AsyncGenerator<SourceChunk, void, void> {
  let open: SourceChunk | null = null
  for await (const chunk of source) {
    if (open !== null && !follows(open, chunk)) {
      yield* cut(open, 0)
      open = null
    }
    let all: SourceChunk = open === null ? chunk : { ...open, bytes: joined(open.bytes, chunk.bytes) }
    for (const piece of cut(all, isPatient ? null : afterLastLine(all.bytes))) {
      yield piece
      all = rest(all, piece.bytes.length)
    }
    open = all
  }
  if (open !== null) yield* cut(open, 0)
}

const follows = (a: SourceChunk, b: SourceChunk): boolean =>
  a.domain === b.domain &&
  a.position.file === b.position.file &&
  a.position.pass === b.position.pass &&
  a.position.offset + a.bytes.length === b.position.offset

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const all = new Uint8Array(a.length + b.length)
  all.set(a)
  all.set(b, a.length)
  return all
}

const rest = (chunk: SourceChunk, used: number): SourceChunk => ({
  ...chunk,
  bytes: chunk.bytes.subarray(used),
  position: { ...chunk.position, offset: chunk.position.offset + used },
})

/** Bytes after the last end of a line. */
const afterLastLine = (bytes: Uint8Array): number => bytes.length - (bytes.lastIndexOf(10) + 1)

/**
 * Pieces of a chunk. What may go on is left: a piece that is not whole, or the bytes of a line without its end,
 * unless these are a whole piece.
 *
 * @param lineBytes Those of the last line, which has no end yet; null where a whole piece is waited for.
 */
function* cut(chunk: SourceChunk, lineBytes: number | null): Generator<SourceChunk, void, void> {
  let left = chunk
  while (
    left.bytes.length > (lineBytes === null ? pieceBytes + aheadBytes : Math.min(lineBytes, pieceBytes))
  ) {
    const most =
      lineBytes === null || lineBytes > pieceBytes ? left.bytes.length : left.bytes.length - lineBytes
    const length = lengthOfPiece(left.bytes.subarray(0, most))
    yield { ...left, bytes: left.bytes.subarray(0, length) }
    left = rest(left, length)
  }
}

function lengthOfPiece(bytes: Uint8Array): number {
  if (bytes.length <= pieceBytes) return bytes.length
  const ends = [10, 32].map((end) => bytes.subarray(0, pieceBytes).lastIndexOf(end) + 1)
  let length = ends.find((end) => end > pieceBytes / 2) ?? pieceBytes
  // No character is cut in two.
  while (length > pieceBytes - 4 && (bytes[length] & 0xc0) === 0x80) length--
  return besidePersonal(bytes, length)
}

/** A place in bytes where nothing personal is cut in two: before it, or behind it where it begins the piece. */
function besidePersonal(bytes: Uint8Array, length: number): number {
  const known = bytes.subarray(0, pieceBytes + aheadBytes)
  const text = decoder.decode(known)
  const before = (at: number): number => encoder.encode(text.slice(0, at)).length
  // Of bytes that are no text, places are not known.
  if (before(text.length) !== known.length) return length
  for (const { from, to } of findPersonalData(text)) {
    if (before(from) >= length || before(to) <= length) continue
    return from > 0 ? before(from) : before(to)
  }
  return length
}

/** The pieces that a gate lets in, as it lets them in. Called with each end that was reached. */
export async function* judgedPieces(
  pieces: AsyncIterable<SourceChunk>,
  gate: Gate,
  reached: (end: Required<LifePosition>) => void,
): AsyncGenerator<JudgedPiece, void, void> {
  for await (const { domain, bytes, position } of pieces) {
    const { file, pass, offset } = position
    const end = { file, pass, offset: offset + bytes.length }
    const admission = await gate.admit({ text: decoder.decode(bytes), source: file, domain })
    reached(end)
    if (!isLearnt(admission)) continue
    const own = admission.verdict === 'redact' ? encoder.encode(admission.text) : bytes
    if (own.length > 0) yield { domain, bytes: own, from: position, end, trust: admission.trust }
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()
