/** The text of files, whatever their form. */
import { open } from 'node:fs/promises'
import { probeBytes, whyNotText } from '../files/text-probe.ts'
import { type DocumentForm, documentForm, type DocumentOptions, isPdf } from './document-form.ts'
import { StreamError } from '../stream-error.ts'

/** A file whose text is wanted. */
export interface TextFile {
  /** Path to open. */
  readonly path: string
  /** How its text is taken out; null for text as it lies. */
  readonly form: DocumentForm | null
}

/**
 * The form of a file, by its name and its beginning; null for text as it lies.
 *
 * @throws StreamError `not-text` for what is binary; the system's error where it cannot be read.
 */
export async function formOf(path: string, options: DocumentOptions): Promise<DocumentForm | null> {
  await using handle = await open(path, 'r')
  const { bytesRead, buffer } = await handle.read(new Uint8Array(probeBytes), 0, probeBytes, 0)
  const beginning = buffer.subarray(0, bytesRead)
  const why = isPdf(beginning) ? null : whyNotText(beginning, bytesRead < probeBytes)
  if (why !== null) throw new StreamError('not-text', why)
  return documentForm(path, beginning, options)
}

/**
 * Bytes of the text of a file.
 *
 * @param size Bytes of the file.
 * @param note Called with what is left out of its text, and why.
 * @throws StreamError `not-text` for a document without text.
 */
export async function textSize(file: TextFile, size: number, note: (what: string) => void): Promise<number> {
  if (file.form === null) return size
  let bytes = 0
  for await (const piece of textFrom(file, 0, { note })) bytes += piece.length
  if (bytes === 0) throw new StreamError('not-text', 'no text in it')
  return bytes
}

/** How a text is read. */
export interface TextFromOptions {
  /** Largest size of a piece; 65 536 by default. */
  readonly chunkBytes?: number
  /** Called with what is left out of it, and why. */
  readonly note?: (what: string) => void
}

/** The text of a file in UTF-8, from a byte of it on, up to where the file ends when it is read. */
export async function* textFrom(
  { path, form }: TextFile,
  from: number,
  { chunkBytes = 65_536, note = () => {} }: TextFromOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  if (form === null) {
    yield* bytesFrom(path, from, chunkBytes)
    return
  }
  let before = 0
  for await (const text of gathered(form.text(bytesFrom(path, 0, 65_536), note), chunkBytes)) {
    // Whatever the text was taken out of, no byte 0 is left in it.
    const bytes = utf8.encode(text.replaceAll('\0', '\uFFFD'))
    for (let at = Math.max(0, from - before); at < bytes.length; at += chunkBytes) {
      yield bytes.subarray(at, at + chunkBytes)
    }
    before += bytes.length
  }
}

const utf8 = new TextEncoder()

/** The same text in fewer pieces: a table has many short rows. */
async function* gathered(pieces: AsyncIterable<string>, least: number): AsyncGenerator<string> {
  let text = ''
  for await (const piece of pieces) {
    text += piece
    if (text.length < least) continue
    yield text
    text = ''
  }
  yield text
}

async function* bytesFrom(path: string, from: number, chunkBytes: number): AsyncGenerator<Uint8Array> {
  await using handle = await open(path, 'r')
  for (let offset = from; ; ) {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(chunkBytes), 0, chunkBytes, offset)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    offset += bytesRead
  }
}
