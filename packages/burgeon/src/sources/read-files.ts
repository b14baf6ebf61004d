import { readFile } from 'node:fs/promises'
import type { FoundPiece } from '@burgeon/senses/node'
import { type MediaReading, mediaPieces } from './media/media-pieces.ts'
import { textFrom } from './documents/file-text.ts'
import { type FileToRead, rangesByFile } from './plan-reading.ts'
import { unreadable } from './files/source-files.ts'
import type { HeldOutRange, ReadSoFar, SourcePosition } from './source-read.ts'
import { StreamError } from './stream-error.ts'

/** Bytes of the text of one file. */
export interface SourceChunk {
  /** The top-level file or sub-folder the bytes come from. */
  readonly domain: string
  readonly bytes: Uint8Array
  /** Where `bytes[0]` lies. */
  readonly position: Required<SourcePosition>
  /** The piece of another sense that these bytes of a file hold; absent for text. */
  readonly piece?: FoundPiece
}

export interface ReadFilesOptions {
  readonly pass: number
  readonly chunkBytes: number
  readonly heldOut: readonly HeldOutRange[]
  readonly soFar: ReadSoFar
  readonly note: (line: string) => void
  /** How media are read; needed where there are such files. */
  readonly media?: MediaReading | undefined
}

/**
 * The bytes of the files' texts in order, without what is held out. A file that cannot be read, or no longer, is passed
 * over with a note.
 */
export async function* readFiles(
  plan: readonly FileToRead[],
  options: ReadFilesOptions,
): AsyncGenerator<SourceChunk> {
  const ranges = rangesByFile(options.heldOut)
  for (const item of plan) {
    try {
      if (item.file.isMedia) yield* readMedia(item, options)
      else yield* readText(item, ranges.get(item.file.name) ?? [], options)
    } catch (cause) {
      if (options.media && cause instanceof options.media.senses.SenseError) {
        options.note(`passed over ${cause.message}`)
        continue
      }
      const isFileToBlame =
        cause instanceof StreamError || (cause as NodeJS.ErrnoException).errno !== undefined
      if (!isFileToBlame) throw cause
      options.note(`passed over ${item.file.name}: ${unreadable(cause)}`)
    }
  }
}

async function* readText(
  { file, from, before }: FileToRead,
  heldOut: readonly HeldOutRange[],
  { pass, chunkBytes, soFar }: ReadFilesOptions,
): AsyncGenerator<SourceChunk> {
  let offset = from
  for await (const read of textFrom(file, from, { chunkBytes })) {
    for (const { start, end, isHeldOut } of cut(offset, offset + read.length, heldOut)) {
      const bytes = read.subarray(start - offset, end - offset)
      const position = { file: file.name, offset: start, pass }
      soFar.took(position, bytes, start === from ? before : null)
      if (!isHeldOut) yield { domain: file.domain, bytes, position }
    }
    offset += read.length
  }
}

/** The pieces of a file of media, each with the bytes of the file that it takes. */
async function* readMedia(
  { file, from, before }: FileToRead,
  { pass, soFar, media }: ReadFilesOptions,
): AsyncGenerator<SourceChunk> {
  if (media === undefined) return
  const all = await readFile(file.path)
  let pieces: readonly FoundPiece[]
  try {
    pieces = mediaPieces(all, file.name, from, media)
  } catch (cause) {
    // What is damaged counts as read, until it is another file.
    soFar.took({ file: file.name, offset: from, pass }, all.subarray(from), before)
    throw cause
  }
  let offset = from
  for (const piece of pieces) {
    const bytes = all.subarray(offset, piece.end)
    const position = { file: file.name, offset, pass }
    soFar.took(position, bytes, offset === from ? before : null)
    yield { domain: piece.label, bytes, position, piece }
    offset = piece.end
  }
}

/** A stretch of a file, cut where what is held out begins and ends. */
function cut(
  from: number,
  to: number,
  heldOut: readonly HeldOutRange[],
): { start: number; end: number; isHeldOut: boolean }[] {
  const places = heldOut.flatMap((range) => [range.from, range.to]).filter((at) => at > from && at < to)
  const borders = [from, ...places.sort((a, b) => a - b), to]
  return borders.slice(1).map((end, i) => ({
    start: borders[i],
    end,
    isHeldOut: heldOut.some((range) => range.from <= borders[i] && end <= range.to),
  }))
}
