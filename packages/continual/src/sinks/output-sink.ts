/** The part of a sink that all have which write bytes: order, failures, closing. */
import { type Check, checks } from '@burgeon/tensor'
import { type Sink, SinkError, type SinkRecord } from './sink.ts'

/**
 * Where bytes go. Of a file in Node, opened with `open` of `node:fs/promises`:
 * `{ write: (bytes) => file.appendFile(bytes), flush: () => file.sync(), close: () => file.close() }`.
 */
export interface SinkOutput<Item = Uint8Array> {
  /** Takes bytes, all of them; a promise means that it waits for a disk or a network. */
  write(item: Item): unknown
  /** Has them kept for good. Without it there is nothing to wait for. */
  flush?(): unknown
  close?(): unknown
}

/** Any object of the kind. */
export const anOutput: Check<SinkOutput> = checks.role('an output', 'write')

/**
 * The sink of an encoding, which may keep what it needs to know of the records before. What becomes of one
 * record is given to the output in one piece.
 */
export function outputSink<Item>(
  name: string,
  output: SinkOutput<Item>,
  encode: (record: SinkRecord) => Item,
): Sink {
  let last: Promise<void> = Promise.resolve()
  let failed: SinkError | null = null
  let [written, isClosed] = [0, false]
  /** Does something after all before it, unless something failed. */
  const next = (what: string, body: () => unknown): Promise<void> => {
    const before = last
    const done = (async (): Promise<void> => {
      await before
      if (failed !== null) throw failed
      try {
        await body()
      } catch (cause) {
        failed = failureOf(name, what, written, cause)
        throw failed
      }
    })()
    // Whoever called hears of it; the next call asks `failed`.
    last = done.catch(() => {})
    return done
  }
  const requireOpen = (): void => {
    if (isClosed) throw new SinkError(`${name}: got a record after close; expected none.`)
  }
  return {
    name,
    async write(record) {
      requireOpen()
      const item = encode(record)
      await next('write', () => output.write(item))
      written++
    },
    async flush() {
      requireOpen()
      await next('flush', () => output.flush?.())
    },
    async close() {
      if (isClosed) return last
      isClosed = true
      await last
      const before = failed
      try {
        await output.close?.()
      } catch (cause) {
        failed ??= failureOf(name, 'close', written, cause)
      }
      // A failure of writing was thrown where it happened, and matters more than one of closing.
      if (before === null && failed !== null) throw failed
      if (before !== null) throw before
    },
  }
}

function failureOf(name: string, what: string, written: number, cause: unknown): SinkError {
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown }
  const reason = typeof code === 'string' ? code : typeof message === 'string' ? message : String(cause)
  return new SinkError(
    `${name}: cannot ${what} after ${written} records (${reason}). Make room or choose another output; ` +
      'learners and what was written before are as they were.',
    { cause },
  )
}
