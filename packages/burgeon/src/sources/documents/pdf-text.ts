/** The text of PDF, through the optional package `unpdf`. */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { StreamError } from '../stream-error.ts'

/** The package, and the version that was tried. */
const library = 'unpdf'
const version = '1.3.2'

/** What a document may take. */
export interface PdfLimits {
  /** Bytes of the file. */
  readonly fileBytes: number
  /** Characters of its text. */
  readonly characters: number
  /** Bytes of memory that unpacking it may take beyond what the process has. */
  readonly memoryBytes: number
  /** Milliseconds until the next page is there. */
  readonly pageTime: number
}

const usualLimits: PdfLimits = {
  fileBytes: 128 * 2 ** 20,
  characters: 32 * 2 ** 20,
  memoryBytes: 2 ** 30,
  pageTime: 60_000,
}

/** Milliseconds between two looks at what a document takes. */
const lookEvery = 50

/**
 * Runs on a thread of its own, so that it can be ended: a stream of a few kilobytes may unpack to as many
 * gigabytes, and a page may draw itself for ever. It posts the text of each page, and null at the end.
 */
const program = `
const { parentPort, workerData } = require('node:worker_threads')
const read = async ({ library, bytes }) => {
  const { getDocumentProxy } = await import(library)
  const document = await getDocumentProxy(bytes, { isEvalSupported: false, verbosity: 0 })
  for (let number = 1; number <= document.numPages; number++) {
    const page = await document.getPage(number)
    let text = ''
    for (const { str = '', hasEOL } of (await page.getTextContent()).items) text += str + (hasEOL ? '\\n' : '')
    page.cleanup()
    parentPort.postMessage({ text })
  }
  parentPort.postMessage({ end: true })
}
read(workerData).catch((error) => parentPort.postMessage({ failed: String(error?.message ?? error) }))
`

/** What the thread posts. */
type Posted = { readonly text: string } | { readonly end: true } | { readonly failed: string }

/**
 * The text of the pages, each on lines of its own.
 *
 * @throws StreamError `not-text` where the package is not installed, for what is no PDF or wants a password,
 *   and for what takes more than the limits.
 */
export async function* pdfText(
  pieces: AsyncIterable<Uint8Array>,
  limits: PdfLimits = usualLimits,
): AsyncGenerator<string, void, void> {
  const bytes = await collected(pieces, limits)
  const digest = createHash('sha256').update(bytes).digest('hex')
  const known = texts.get(digest)
  const text = known ?? (await taken(bytes, limits))
  if (known === undefined) remember(digest, text)
  yield text
}

/** Texts that were taken out lately, by the digest of their documents: a source asks for one several times. */
const texts = new Map<string, string>()
/** Characters that are remembered in all. */
const maxRemembered = 16 * 2 ** 20

function remember(digest: string, text: string): void {
  texts.set(digest, text)
  let size = 0
  for (const one of texts.values()) size += one.length
  for (const [oldest, { length }] of texts) {
    if (size <= maxRemembered) break
    texts.delete(oldest)
    size -= length
  }
}

async function taken(bytes: Uint8Array<ArrayBuffer>, limits: PdfLimits): Promise<string> {
  const worker = new Worker(program, {
    eval: true,
    workerData: { library: placeOf(library), bytes },
    transferList: [bytes.buffer],
    // What the library says of fonts and the like is no matter of the command.
    stdout: true,
    stderr: true,
  })
  try {
    return await textOfPages(worker, limits)
  } finally {
    await worker.terminate()
  }
}

/**
 * Address of the package that reads PDF.
 *
 * @throws StreamError `not-text` that says how it is installed, where it is not.
 */
export function placeOf(name: string): string {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve(name)).href
  } catch (cause) {
    const how = `npm i ${name}@${version}`
    throw new StreamError('not-text', `to read PDF, install the package ${name}: ${how}`, { cause })
  }
}

async function collected(
  pieces: AsyncIterable<Uint8Array>,
  { fileBytes }: PdfLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const bytes of pieces) {
    size += bytes.length
    if (size > fileBytes) throw new StreamError('not-text', `more than ${mebibytes(fileBytes)} of PDF`)
    parts.push(bytes)
  }
  return new Uint8Array(Buffer.concat(parts))
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`

function textOfPages(worker: Worker, { characters, memoryBytes, pageTime }: PdfLimits): Promise<string> {
  const before = process.memoryUsage.rss()
  let all = ''
  let latest = performance.now()
  return new Promise((resolve, reject) => {
    const refuse = (reason: string, cause?: unknown): void => {
      clearInterval(watch)
      reject(new StreamError('not-text', reason, { cause }))
    }
    const watch = setInterval(() => {
      if (process.memoryUsage.rss() - before > memoryBytes) {
        refuse(`PDF that takes more than ${mebibytes(memoryBytes)} to unpack`)
      } else if (performance.now() - latest > pageTime) {
        refuse(`PDF with a page that takes more than ${Math.ceil(pageTime / 1000)} seconds`)
      }
    }, lookEvery)
    worker.on('message', (posted: Posted) => {
      latest = performance.now()
      if ('failed' in posted) refuse(`no PDF that can be read: ${posted.failed}`)
      else if ('end' in posted) {
        clearInterval(watch)
        resolve(all)
      } else {
        all += posted.text === '' || posted.text.endsWith('\n') ? posted.text : `${posted.text}\n`
        if (all.length > characters) refuse(`PDF with more than ${mebibytes(characters)} of text`)
      }
    })
    worker.on('error', (cause) => refuse(`no PDF that can be read: ${String(cause)}`, cause))
  })
}
