/**
 * The way to a stage over two streams of bytes: pipes to a child process, or a connection. Whoever can write to it
 * leads the stage, so it belongs between processes that trust each other.
 */
import { checkArgument, checks } from '@burgeon/tensor'
import { TransportError } from '../../errors.ts'
import { aStageWorker, type StageLink } from '../stage-link.ts'
import type { StageWorker } from '../stage-worker.ts'

/** The largest message, in bytes; a longer one is a mistake of the other side. */
const maxMessage = 2 ** 30

/** What is read of: a `Readable` of Node. */
export type ReadableBytes = AsyncIterable<Uint8Array>

/** What is written to: a `Writable` of Node. */
export interface WritableBytes {
  readonly destroyed: boolean
  write(bytes: Uint8Array): boolean
  on(event: 'error', listener: (error: Error) => void): unknown
  once(event: 'drain' | 'close', listener: () => void): WritableBytes
}

const aReadable = checks.role<ReadableBytes>('a stream to read', Symbol.asyncIterator)
const aWritable = checks.role<WritableBytes>('a stream to write', 'on', 'write')

/**
 * The way to a stage whose process answers with `answerStream`. Answers come in the order of the questions.
 *
 * @param input What comes from it.
 * @param output What goes to it.
 * @throws OptionError for arguments that are none; when asked, TransportError once a stream has ended.
 */
export function streamLink(input: ReadableBytes, output: WritableBytes): StageLink {
  checkArgument('streamLink', 'input', input, aReadable)
  checkArgument('streamLink', 'output', output, aWritable)
  const waiting: { resolve(answer: Uint8Array): void; reject(error: Error): void }[] = []
  let ended: TransportError | undefined
  const end = (why: string): void => {
    ended ??= new TransportError(`stream: the stage has gone: ${why} Start it again.`)
    for (const each of waiting.splice(0)) each.reject(ended)
  }
  output.on('error', (error) => end(error.message))
  void (async () => {
    try {
      for await (const answer of messagesIn(input)) waiting.shift()?.resolve(answer)
      end('its stream has ended.')
    } catch (error) {
      end((error as Error).message)
    }
  })()
  return {
    ask: (payload) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended)
        waiting.push({ resolve, reject })
        output.write(framed(payload))
      }),
  }
}

/**
 * Has a stage answer its leader over two streams. Resolves when the leader is gone: its stream has ended.
 *
 * @param input What the leader says.
 * @param output What it is answered.
 * @throws OptionError for arguments that are none, TransportError for bytes that are no messages.
 */
export async function answerStream(
  worker: StageWorker,
  input: ReadableBytes,
  output: WritableBytes,
): Promise<void> {
  checkArgument('answerStream', 'worker', worker, aStageWorker)
  checkArgument('answerStream', 'input', input, aReadable)
  checkArgument('answerStream', 'output', output, aWritable)
  // A leader that is gone is noticed where it is read.
  output.on('error', () => {})
  for await (const message of messagesIn(input)) {
    const isFull = !output.write(framed(await worker.answer(message)))
    if (isFull && !output.destroyed)
      await new Promise<void>((go) => output.once('drain', go).once('close', go))
  }
}

/** A message with its length before it. */
function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + message.length)
  new DataView(bytes.buffer).setUint32(0, message.length, true)
  bytes.set(message, 4)
  return bytes
}

/** The messages of a stream. Throws TransportError for a length that none has, or an end in the middle of one. */
async function* messagesIn(input: ReadableBytes): AsyncGenerator<Uint8Array, void, void> {
  let chunks: Uint8Array[] = []
  let held = 0
  const take = (count: number): Uint8Array => {
    const all = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
    chunks = [all.subarray(count)]
    held -= count
    return all.subarray(0, count)
  }
  let length: number | null = null
  for await (const chunk of input) {
    chunks.push(chunk)
    held += chunk.length
    while (held >= (length ?? 4)) {
      if (length === null) {
        const head = take(4)
        length = new DataView(head.buffer, head.byteOffset).getUint32(0, true)
        if (length > maxMessage) {
          throw new TransportError(
            `stream: got a message of ${length} bytes; expected at most ${maxMessage}. Is it a stage?`,
          )
        }
      } else {
        yield new Uint8Array(take(length))
        length = null
      }
    }
  }
  if (held > 0 || length !== null) throw new TransportError('stream: it ended in the middle of a message.')
}
