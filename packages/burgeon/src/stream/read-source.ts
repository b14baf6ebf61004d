import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { type SourceFile, textFiles } from './source-files.ts'
import { StreamError } from './stream-error.ts'
import { probeBytes, probeFile, whyNotText } from './text-probe.ts'

/** A place in a source, plain data for a checkpoint. */
export interface SourcePosition {
  /** Path of the file relative to the folder, with `/`; its name when the source is one file; `-` for standard input. */
  readonly file: string
  /** Bytes of this file that lie before the position. */
  readonly offset: number
}

/** Bytes of one file, as they are on disk. */
export interface SourceChunk {
  /** The top-level file or sub-folder the bytes come from. */
  readonly domain: string
  readonly bytes: Uint8Array
  /** Where `bytes[0]` lies. To resume after `n` of these bytes, come back with `offset + n`. */
  readonly position: SourcePosition
}

/** The user's own text, in order. It is read once, and only as fast as it is asked for. */
export interface Source extends AsyncIterable<SourceChunk> {
  /** Size of the whole source in bytes, whatever was already read; null for a pipe, which does not tell. */
  readonly bytes: number | null
}

export interface ReadSourceOptions {
  /** Where to go on; from the beginning by default. */
  readonly from?: SourcePosition
  /** Largest size of a chunk in bytes; 65 536 by default. */
  readonly chunkBytes?: number
  /** What `-` reads; standard input by default. */
  readonly stdin?: AsyncIterable<Uint8Array>
  /** Told, in one line each, which files of a folder are left out and why. */
  readonly note?: (line: string) => void
}

/**
 * Opens the user's own text: a file, a folder (recursively, ordered by path, without hidden entries, node_modules and files that
 * are not text), or standard input (`-`).
 *
 * A resumed folder goes on in the order of paths: files that sort after the position are read even if they are new. A pipe cannot
 * seek; what was already consumed is read again and dropped, so it must be given the same input.
 *
 * @throws StreamError `missing-path`, `unreadable`, `not-text`, `no-text-file`, `empty-input`; and `source-changed` when
 * the source is not the one, or shorter than, where the run stopped. Only for pipes are the last three thrown while reading.
 *
 * @example
 * const source = await readSource('notes')
 * for await (const { domain, bytes, position } of source) console.log(domain, position.offset, bytes.length)
 */
export async function readSource(path: string, options: ReadSourceOptions = {}): Promise<Source> {
  if (path === '-')
    return source(null, readPipe('standard input', '-', options.stdin ?? process.stdin, options))
  try {
    const found = await stat(path)
    if (found.isDirectory()) return await openFolder(path, options)
    if (found.isFile()) return await openFile(path, found.size, options)
    // A named pipe or a device, such as what the shell makes of <(command).
    return source(null, readPipe(path, basename(path), createReadStream(path), options))
  } catch (cause) {
    throw cannotRead(path, cause)
  }
}

async function openFile(path: string, size: number, options: ReadSourceOptions): Promise<Source> {
  const name = basename(path)
  if (size === 0) throw new StreamError('empty-input', `learn: ${path} is empty. Expected a file with text.`)
  const reason = await probeFile(path)
  if (reason !== null) throw notText(path, reason)
  if (options.from && options.from.file !== name) {
    throw new StreamError(
      'source-changed',
      `learn: the run stopped in ${options.from.file}, but got ${path}. Give the same source, or start a new run.`,
    )
  }
  return source(size, readFiles([{ path, name, domain: name, size }], options))
}

async function openFolder(path: string, options: ReadSourceOptions): Promise<Source> {
  const files = await textFiles(path, options.note)
  if (files.length === 0) {
    throw new StreamError(
      'no-text-file',
      `learn: no text file in ${path}. Expected UTF-8 text below it, outside hidden folders and node_modules.`,
    )
  }
  const bytes = files.reduce((sum, file) => sum + file.size, 0)
  return source(bytes, readFiles(files, options))
}

function source(bytes: number | null, chunks: AsyncIterable<SourceChunk>): Source {
  return { bytes, [Symbol.asyncIterator]: () => chunks[Symbol.asyncIterator]() }
}

async function* readFiles(
  files: readonly SourceFile[],
  { from, chunkBytes = 65_536 }: ReadSourceOptions,
): AsyncGenerator<SourceChunk> {
  for (const file of files) {
    if (from && file.name < from.file) continue
    try {
      yield* readFrom(file, file.name === from?.file ? from.offset : 0, chunkBytes)
    } catch (cause) {
      throw cannotRead(file.path, cause)
    }
  }
}

async function* readFrom(file: SourceFile, start: number, chunkBytes: number): AsyncGenerator<SourceChunk> {
  const handle = await open(file.path, 'r')
  try {
    const { size } = await handle.stat()
    if (size < start) throw shorter(file.path, size, start)
    for (let offset = start; ; ) {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(chunkBytes), 0, chunkBytes, offset)
      if (bytesRead === 0) return
      yield {
        domain: file.domain,
        bytes: buffer.subarray(0, bytesRead),
        position: { file: file.name, offset },
      }
      offset += bytesRead
    }
  } finally {
    await handle.close()
  }
}

async function* readPipe(
  shown: string,
  file: string,
  input: AsyncIterable<Uint8Array>,
  { from, chunkBytes = 65_536 }: ReadSourceOptions,
): AsyncGenerator<SourceChunk> {
  const start = from?.offset ?? 0
  const domain = file === '-' ? 'stdin' : file
  let offset = 0
  for await (const bytes of input) {
    // The first piece of a pipe is all that can be judged without holding the rest back.
    const reason = offset === 0 ? whyNotText(bytes.subarray(0, probeBytes), false) : null
    if (reason !== null) throw notText(shown, reason)
    for (let at = Math.max(0, start - offset); at < bytes.length; at += chunkBytes) {
      yield { domain, bytes: bytes.subarray(at, at + chunkBytes), position: { file, offset: offset + at } }
    }
    offset += bytes.length
  }
  if (offset === 0) throw new StreamError('empty-input', `learn: ${shown} gave no bytes. Expected text.`)
  if (offset < start) throw shorter(shown, offset, start)
}

function notText(path: string, reason: string): StreamError {
  return new StreamError(
    'not-text',
    `learn: ${path} is not text (${reason}). Expected UTF-8; convert it first.`,
  )
}

function shorter(path: string, size: number, start: number): StreamError {
  return new StreamError(
    'source-changed',
    `learn: ${path} has ${size} bytes, but the run stopped after ${start}. Give the same source, or start a new run.`,
  )
}

function cannotRead(path: string, cause: unknown): unknown {
  if (cause instanceof StreamError) return cause
  const { code } = cause as NodeJS.ErrnoException
  if (code === undefined) return cause
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new StreamError(
      'missing-path',
      `learn: ${path} does not exist. Expected a file, a folder, or - for standard input.`,
      {
        cause,
      },
    )
  }
  return new StreamError('unreadable', `learn: ${path} cannot be read (${code}). Check its permissions.`, {
    cause,
  })
}
