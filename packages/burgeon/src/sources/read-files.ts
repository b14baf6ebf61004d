import { open } from 'node:fs/promises'
import { type FileToRead, rangesByFile } from './plan-reading.ts'
import { unreadable } from './files/source-files.ts'
import type { HeldOutRange, ReadSoFar, SourcePosition } from './source-read.ts'

/** Bytes of one file, as they are on disk. */
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
 * The files' bytes in order, without what is held out. A file that cannot be read, or no longer, is passed
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
      if (typeof (cause as NodeJS.ErrnoException).errno !== 'number') throw cause
      options.note(`passed over ${item.file.name}: ${unreadable(cause)}`)
    }
  }
}

async function* readFile(
  { file, from, before }: FileToRead,
  heldOut: readonly HeldOutRange[],
  { pass, chunkBytes, soFar }: ReadFilesOptions,
): AsyncGenerator<SourceChunk> {
  const handle = await open(file.path, 'r')
  try {
    for (let offset = from; ; ) {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(chunkBytes), 0, chunkBytes, offset)
      if (bytesRead === 0) return
      for (const { start, end, isHeldOut } of cut(offset, offset + bytesRead, heldOut)) {
        const bytes = buffer.subarray(start - offset, end - offset)
        const position = { file: file.name, offset: start, pass }
        soFar.took(position, bytes, start === from ? before : null)
        if (!isHeldOut) yield { domain: file.domain, bytes, position }
      }
      offset += bytesRead
    }
  } finally {
    await handle.close()
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
