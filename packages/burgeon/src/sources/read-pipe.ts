import { createHash } from 'node:crypto'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { SourceChunk } from './read-files.ts'
import type { FileRead, ReadSoFar } from './source-read.ts'
import { orStopped } from './or-stopped.ts'
import { StreamError } from './stream-error.ts'
import { notTextMessage, probeBytes, whyNotText } from './files/text-probe.ts'

export interface ReadPipeOptions {
  /** For messages. */
  readonly shown: string
  /** `-`, or the name of a named pipe. */
  readonly name: string
  readonly chunkBytes: number
  /** The part that was read before: the input must begin with it, and goes on behind it. */
  readonly read: FileRead | undefined
  readonly soFar: ReadSoFar
  /** Ends the reading, also while it waits. */
  readonly stop: AbortSignal | undefined
  /** Ends a read under way that waits for a writer. */
  readonly release?: () => void
}

/**
 * The bytes of a pipe, until it ends or `stop` is raised.
 *
 * @throws StreamError `not-text`, `empty-input`, and `source-changed` if what was read before does not come
 *   again.
 */
export async function* readPipe(
  input: AsyncIterable<Uint8Array>,
  { shown, name, chunkBytes, read, soFar, stop, release }: ReadPipeOptions,
): AsyncGenerator<SourceChunk> {
  const start = read?.bytes ?? 0
  const before = createHash('sha256')
  const domain = name === '-' ? 'stdin' : name
  let offset = 0
  for await (const bytes of untilStopped(input, stop, release)) {
    // The first piece of a pipe is all that can be judged without holding the rest back.
    const reason = offset === 0 ? whyNotText(bytes.subarray(0, probeBytes), false) : null
    if (reason !== null) throw new StreamError('not-text', notTextMessage(shown, reason))
    const old = bytes.subarray(0, Math.max(0, start - offset))
    before.update(old)
    if (offset < start && offset + bytes.length >= start && read)
      checkSame(shown, read, before.copy().digest('hex'))
    for (let at = old.length; at < bytes.length; at += chunkBytes) {
      const piece = bytes.subarray(at, at + chunkBytes)
      const position = { file: name, offset: offset + at, pass: 0 }
      soFar.took(position, piece, position.offset === start ? before : null)
      yield { domain, bytes: piece, position }
    }
    offset += bytes.length
  }
  if (stop?.aborted) return
  if (offset === 0) throw new StreamError('empty-input', `learn: ${shown} gave no bytes. Expected text.`)
  if (offset < start) {
    throw new StreamError(
      'source-changed',
      `learn: ${shown} gave ${offset} bytes, but ${start} were read before, and they must come first. ${advice}`,
    )
  }
}

const advice = 'Give the same input again, or learn what comes as new text with --append.'

function checkSame(shown: string, { bytes, sha256 }: FileRead, got: string): void {
  if (sha256 === null || sha256 === got) return
  throw new StreamError(
    'source-changed',
    `learn: the first ${bytes} bytes of ${shown} are not those that were read before. ${advice}`,
  )
}

/** A pipe that waits for its writer is let go as soon as the user wants to stop. */
export async function* untilStopped(
  input: AsyncIterable<Uint8Array>,
  stop: AbortSignal | undefined,
  release: (() => void) | undefined,
): AsyncGenerator<Uint8Array> {
  const pieces = input[Symbol.asyncIterator]()
  for (;;) {
    // What comes of a read that was under way then is nobody's concern any more.
    const piece = await orStopped(pieces.next(), [stop])
    if (piece === null) {
      if (input instanceof Readable) input.destroy()
      release?.()
      return
    }
    if (piece.done) return
    yield piece.value
  }
}

/**
 * Wakes whoever waits for a writer of a named pipe, by being one for a moment. A thread that waits there can
 * be ended by nothing else, and would keep the process from ending.
 */
export function wakeReader(path: string): void {
  try {
    const descriptor = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
    writeSync(descriptor, '\n')
    closeSync(descriptor)
  } catch {
    // Nobody waits there.
  }
}
