/** A log in the memory of this process. */
import { LogError } from '../../errors.ts'
import {
  type Appended,
  type AppendEntryOptions,
  checkAppend,
  checkRead,
  type Log,
  type LogEntry,
  type ReadLogOptions,
} from '../log.ts'

/** A log in the memory of this process, gone with it: for one machine, and for tests. */
export const memoryLog = (): Log => new MemoryLog()

class MemoryLog implements Log {
  readonly #entries: LogEntry[] = []
  readonly #positions = new Map<string, number>()
  /** Wake those who wait for an entry. */
  #waiting: (() => void)[] = []
  #isClosed = false

  async append(payload: Uint8Array, options: AppendEntryOptions = {}): Promise<Appended> {
    const who = 'memoryLog: append'
    checkAppend(who, payload, options)
    this.#check(who)
    const { id, author, after } = options
    // No author has a space in its name.
    const name = id === undefined ? undefined : `${author ?? ''} ${id}`
    const known = name === undefined ? undefined : this.#positions.get(name)
    if (known !== undefined) return { position: known, isNew: false }
    const last = this.#entries.length
    if (after !== undefined && after !== last) {
      throw new LogError(
        `${who}: got after ${after}, and the last position is ${last}; read what has come since.`,
      )
    }
    const position = last + 1
    this.#entries.push({ position, id: id ?? null, author: author ?? null, payload: new Uint8Array(payload) })
    if (name !== undefined) this.#positions.set(name, position)
    this.#wake()
    return Promise.resolve({ position, isNew: true })
  }

  async *read(from: number, options: ReadLogOptions = {}): AsyncGenerator<LogEntry, void, void> {
    const who = 'memoryLog: read'
    checkRead(who, from, options)
    this.#check(who)
    const { until } = options
    const end = until ? Infinity : this.#entries.length
    for (let at = from; at <= end; ) {
      if (until?.aborted) return
      const entry = this.#entries.at(at - 1)
      if (entry !== undefined) {
        yield { ...entry, payload: new Uint8Array(entry.payload) }
        at++
      } else {
        if (this.#isClosed) return
        await this.#next(until)
      }
    }
  }

  async last(): Promise<number> {
    this.#check('memoryLog: last')
    return Promise.resolve(this.#entries.length)
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#wake()
    return Promise.resolve()
  }

  /** Resolves when there may be another entry, or nobody waits for it any more. */
  #next(until: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      until?.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #check(who: string): void {
    if (this.#isClosed) throw new LogError(`${who}: the log is closed; open it again.`)
  }
}
