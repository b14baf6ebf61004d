import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { BurgeonError } from '@burgeon/tensor'
import { chooseHeldOut, heldOutText } from './held-out.ts'
import { bytesToLearn, type FileToRead, planReading, readBefore } from './plan-reading.ts'
import { type ReadFilesOptions, readFiles, type SourceChunk } from './read-files.ts'
import { readPipe, wakeReader } from './read-pipe.ts'
import { type SourceFile, textFiles } from './files/source-files.ts'
import { ReadSoFar, type SourcePosition, type SourceRead } from './source-read.ts'
import { StreamError } from './stream-error.ts'
import type { DocumentOptions } from './documents/document-form.ts'
import { formOf, textSize } from './documents/file-text.ts'
import { formIdOf } from './media/form-id-of.ts'
import { maxMediaBytes, type MediaReading, mediaPieces, tooLarge } from './media/media-pieces.ts'
import { notTextMessage } from './files/text-probe.ts'

/** The user's own text, in order. It is read once, and only as fast as it is asked for. */
export interface Source extends AsyncIterable<SourceChunk> {
  /** Files it consists of; null for a pipe. */
  readonly files: number | null
  /** Those of them that are pictures, sound and tables, learnt as such. */
  readonly media: number
  /** Bytes of their text; null for a pipe. */
  readonly size: number | null
  /** Bytes that are left to be learnt, in all passes; null for a pipe. */
  readonly bytes: number | null
  /** Text that is never learnt, by domain. */
  readonly heldOut: readonly { readonly name: string; readonly bytes: Uint8Array }[]
  /** Call it with the place that the learner has reached; everything after it counts as unread. */
  reached(position: SourcePosition): void
  /** Call it when the learner has reached the end of all that was given out. */
  finish(): void
  /** The part that was read, for a checkpoint: the reading goes on from there. */
  toState(): SourceRead
}

export interface ReadSourceOptions extends DocumentOptions {
  /** The part that was read before; nothing unless given. */
  readonly read?: SourceRead | undefined
  /** The place that an older burgeon had come to; it kept no more. */
  readonly position?: SourcePosition | undefined
  /** How many times the source is read in all; as often as was asked for before, or once. */
  readonly passes?: number | undefined
  /** Whether a part is held out of what was never read before. False unless given. */
  readonly holdOut?: boolean
  /** Largest size of a chunk in bytes; 65 536 by default. */
  readonly chunkBytes?: number
  /** Input that `-` reads; standard input by default. */
  readonly stdin?: AsyncIterable<Uint8Array>
  /** Called with a line about each thing that is left out, read again or skipped, and why. */
  readonly note?: ((line: string) => void) | undefined
  /** The folder that the run writes to: never a part of the source. */
  readonly out?: string | undefined
  /** How pictures, sound and tables are read. They are not, or tables as text, unless given. */
  readonly media?: MediaReading | undefined
  /** Ends a pipe, also while it waits for its writer. */
  readonly stop?: AbortSignal | undefined
}

/**
 * Opens the user's own text: a file, a folder (recursively, ordered by path; see `textFiles` for what is left
 * out), or standard input (`-`). Of HTML, PDF, tables and lines of
 * JSON their text is read.
 *
 * What was read is known by length and digest: files that are as they were are not read again, longer ones go
 * on where they ended, new and changed ones are read whole. A pipe cannot seek: what was read must come
 * again, and is dropped.
 *
 * @throws StreamError `missing-path`, `unreadable`, `not-text`, `no-text-file`, `empty-input`;
 *   `source-changed` when a pipe does not begin with what was read. Of pipes the last three are thrown while
 *   reading.
 *
 * @example
 * const source = await readSource('notes')
 * for await (const { domain, bytes, position } of source) console.log(domain, position.offset, bytes.length)
 */
export async function readSource(path: string, options: ReadSourceOptions = {}): Promise<Source> {
  if (path === '-') return pipe('standard input', '-', options.stdin ?? process.stdin, options)
  try {
    const found = await stat(path)
    if (found.isDirectory()) return await openFolder(path, options)
    if (found.isFile()) return await openFile(path, found.size, options)
    // A named pipe or a device, such as what the shell makes of <(command).
    const release = (): void => wakeReader(path)
    return pipe(path, basename(path), createReadStream(path), options, found.isFIFO() ? release : undefined)
  } catch (cause) {
    throw cannotRead(path, cause)
  }
}

/** The name by which a source is known in a checkpoint: that of the file, or of the folder with a `/`. */
export async function sourceLabel(path: string): Promise<string> {
  if (path === '-') return '-'
  const name = basename(resolve(path))
  return (await stat(path).catch(() => null))?.isDirectory() ? `${name}/` : name
}

async function openFile(path: string, size: number, options: ReadSourceOptions): Promise<Source> {
  const name = basename(path)
  if (size === 0) throw new StreamError('empty-input', `learn: ${path} is empty. Expected a file with text.`)
  const { note = () => {}, media } = options
  if (media?.senses.hasPieces(name)) {
    // What is wrong with it is said before anything is learnt.
    if (size > maxMediaBytes) throw new StreamError('unreadable', `learn: ${path} ${tooLarge(size)}.`)
    mediaPieces(await readFile(path), name, 0, media)
    return files([{ path, name, domain: name, form: null, size, isMedia: true }], options)
  }
  const form = await formOf(path, options).catch((cause: unknown) => {
    if (isReason(cause)) throw new StreamError('not-text', notTextMessage(path, cause.message), { cause })
    throw cause
  })
  const noteOfFile = (what: string): void => note(`${name}: ${what}`)
  const bytes = await textSize({ path, form }, size, noteOfFile).catch((cause: unknown) => {
    if (!isReason(cause)) throw cause
    const why = `no text can be taken out of ${path} (${cause.message}). Expected a document with some.`
    throw new StreamError('not-text', `learn: ${why}`, { cause })
  })
  return files([{ path, name, domain: name, form, size: bytes }], options)
}

async function openFolder(path: string, options: ReadSourceOptions): Promise<Source> {
  const { media } = options
  const found = await textFiles(path, { ...options, isMedia: media?.senses.hasPieces })
  if (found.length === 0) {
    throw new StreamError(
      'no-text-file',
      `learn: no text file in ${path}. Expected UTF-8 text below it, or documents, outside hidden folders and node_modules.`,
    )
  }
  return files(found, options)
}

async function files(found: readonly SourceFile[], options: ReadSourceOptions): Promise<Source> {
  const { read, chunkBytes = 65_536, note = () => {}, media } = options
  const texts = found.filter(({ isMedia = false }) => !isMedia)
  const heldOut = read ? read.heldOut : options.holdOut && !options.position ? await chooseHeldOut(texts) : []
  const passes = options.passes ?? read?.passes ?? 1
  const before = read?.files ?? (options.position ? readBefore(found, options.position) : [])
  const firstPass = read?.pass ?? 0
  const first = await planReading(found, before, note)
  const whole = found.map((file): FileToRead => ({ file, from: 0, before: null }))
  const laterPasses = Math.max(0, passes - 1 - firstPass)
  const forms = found.flatMap((file) => {
    const id = formIdOf(file)
    return id === undefined ? [] : [[file.name, id] as const]
  })
  const soFar = new ReadSoFar({ pass: firstPass, files: before }, new Map(forms))
  async function* chunks(): AsyncGenerator<SourceChunk> {
    const shared = { chunkBytes, heldOut, soFar, note, media } satisfies Omit<ReadFilesOptions, 'pass'>
    for (let pass = firstPass; pass <= firstPass + laterPasses; pass++) {
      yield* readFiles(pass === firstPass ? first : whole, { ...shared, pass })
    }
  }
  return {
    files: found.length,
    media: found.length - texts.length,
    size: found.reduce((sum, { size }) => sum + size, 0),
    bytes: bytesToLearn(first, heldOut) + laterPasses * bytesToLearn(whole, heldOut),
    heldOut: await heldOutText(found, heldOut),
    ...followed(soFar),
    toState: () => ({ passes: Math.max(passes, firstPass + 1), heldOut, ...soFar.toState() }),
    [Symbol.asyncIterator]: chunks,
  }
}

function pipe(
  shown: string,
  name: string,
  input: AsyncIterable<Uint8Array>,
  { read, position, stop, chunkBytes = 65_536 }: ReadSourceOptions,
  release: () => void = () => {},
): Source {
  const old = position?.file === name ? { name, bytes: position.offset, sha256: null } : undefined
  const part = read ? read.files.find((file) => file.name === name) : old
  const soFar = new ReadSoFar({ pass: 0, files: part ? [part] : [] })
  return {
    files: null,
    media: 0,
    size: null,
    bytes: null,
    heldOut: [],
    ...followed(soFar),
    toState: () => ({ passes: 1, heldOut: [], ...soFar.toState() }),
    [Symbol.asyncIterator]: () =>
      readPipe(input, { shown, name, chunkBytes, read: part, soFar, stop, release }),
  }
}

const isReason = (cause: unknown): cause is StreamError =>
  cause instanceof StreamError && cause.code === 'not-text'

function followed(soFar: ReadSoFar): Pick<Source, 'reached' | 'finish'> {
  return { reached: (position) => soFar.reached(position), finish: () => soFar.finish() }
}

function cannotRead(path: string, cause: unknown): unknown {
  // Of the files of senses, too.
  if (cause instanceof BurgeonError) return cause
  const { code } = cause as NodeJS.ErrnoException
  if (code === undefined) return cause
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new StreamError(
      'missing-path',
      `learn: ${path} does not exist. Expected a file, a folder, or - for standard input.`,
      { cause },
    )
  }
  return new StreamError('unreadable', `learn: ${path} cannot be read (${code}). Check its permissions.`, {
    cause,
  })
}
