/** A source of text, cut into the records that a cluster learns. */
import { createHash } from 'node:crypto'
import type { SourceChunk } from '../../sources/read-files.ts'
import type { SourcePosition } from '../../sources/source-read.ts'

/** A piece of text, as the log of records has it. */
export interface CutRecord {
  readonly payload: Uint8Array
  /** Made of its place and its text: the same if the source is cut again from there. */
  readonly id: string
  /** The place behind it. */
  readonly position: Required<SourcePosition>
}

/** Fewest bytes that can be learnt: one is predicted from the other. */
const least = 2

/**
 * Cuts a source into records of at most so many bytes. None reaches over what is held out or into another file, and
 * none ends within a character.
 *
 * @param label Name of the source, which is part of the ids.
 * @param size Bytes, ≥ 8.
 */
export async function* cutRecords(
  source: AsyncIterable<SourceChunk>,
  label: string,
  size: number,
): AsyncGenerator<CutRecord, void, void> {
  let waiting: Placed | null = null
  for await (const { bytes, position } of source) {
    let all: Placed = { bytes, position }
    if (waiting !== null) {
      if (goesOn(waiting, position)) all = { bytes: joined(waiting.bytes, bytes), position: waiting.position }
      else yield* cut(waiting, label, size, true)
    }
    waiting = all
    for (const record of cut(all, label, size, false)) {
      yield record
      const { position: end } = record
      waiting = { bytes: all.bytes.subarray(end.offset - all.position.offset), position: end }
    }
  }
  if (waiting !== null) yield* cut(waiting, label, size, true)
}

/** Bytes, and where the first of them lies. */
interface Placed {
  readonly bytes: Uint8Array
  readonly position: Required<SourcePosition>
}

const goesOn = ({ bytes, position }: Placed, next: Required<SourcePosition>): boolean =>
  next.file === position.file && next.pass === position.pass && next.offset === position.offset + bytes.length

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length)
  all.set(a)
  all.set(b, a.length)
  return all
}

/** Whole records; with the rest as the last one where the text ends. */
function* cut(
  { bytes, position }: Placed,
  label: string,
  size: number,
  isEnd: boolean,
): Generator<CutRecord, void, void> {
  let from = 0
  const fewest = isEnd ? least : size + 1
  while (bytes.length - from >= fewest) {
    let to = Math.min(bytes.length, from + size)
    // A byte 10xxxxxx goes on with a character, which has at most four.
    for (let back = 0; back < 3 && to < bytes.length && (bytes[to] & 0xc0) === 0x80; back++) to--
    const payload = bytes.slice(from, to)
    const place = { ...position, offset: position.offset + from }
    const hash = createHash('sha256').update(JSON.stringify([label, place.file, place.pass, place.offset]))
    yield {
      payload,
      id: hash.update(payload).digest('hex').slice(0, 32),
      position: { ...position, offset: position.offset + to },
    }
    from = to
  }
}
