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
}

export interface ReadFilesOptions {
  readonly pass: number
  readonly chunkBytes: number
  readonly heldOut: readonly HeldOutRange[]
  readonly soFar: ReadSoFar
  readonly note: (line: string) => void
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
      yield* readFile(item, ranges.get(item.file.name) ?? [], options)
    } catch (cause) {
      const isFileToBlame =
        cause instanceof StreamError || (cause as NodeJS.ErrnoException).errno !== undefined
      if (!isFileToBlame) throw cause
      options.note(`passed over ${item.file.name}: ${unreadable(cause)}`)
    }
  }
}

async function* readFile(
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
