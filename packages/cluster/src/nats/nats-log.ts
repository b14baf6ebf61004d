/** A log that a stream of JetStream keeps. */
import { LogError } from '../errors.ts'
import {
  type Appended,
  type AppendEntryOptions,
  checkAppend,
  checkRead,
  type Log,
  type LogEntry,
  type ReadLogOptions,
} from '../seams/log.ts'
import {
  type Broker,
  type BrokerSubscription,
  codeOf,
  noMessage,
  type StoredMessage,
  wrongLastSequence,
} from './broker.ts'

/** Milliseconds after which somebody who waits for an entry looks by himself, should no word of it have come. */
const lookEvery = 500
/** The header that says what an entry is called. */
const idHeader = 'Burgeon-Id'

/**
 * A log whose positions are the sequence numbers of a stream. An entry has the subject of the log, or the one of its
 * author below it, so the broker decides who may write as whom.
 */
export class NatsLog implements Log {
  readonly #broker: Broker
  readonly #stream: string
  readonly #subject: string
  readonly #closing = new AbortController()

  constructor(broker: Broker, stream: string, subject: string) {
    this.#broker = broker
    this.#stream = stream
    this.#subject = subject
  }

  async append(payload: Uint8Array, options: AppendEntryOptions = {}): Promise<Appended> {
    const who = 'natsLog: append'
    checkAppend(who, payload, options)
    this.#check(who)
    const { id, author, after } = options
    const name = id === undefined ? undefined : encodeURIComponent(id)
    const own = new Uint8Array(payload)
    try {
      // By the name an entry is known that is said again; an author's own, since two may give the same.
      const appended = await this.#publish(own, name, options, name && `${author ?? ''} ${name}`)
      if (appended.isNew || (await this.#isOf(appended.position, name, author))) return appended
      // Somebody has taken a name that is this author's: it is known by its position then.
      return await this.#publish(own, name, options, undefined)
    } catch (cause) {
      if (cause instanceof LogError) throw cause
      if (codeOf(cause) === wrongLastSequence) {
        throw new LogError(
          `${who}: got after ${after}, which is not the last position; read what has come since.`,
          {
            cause,
          },
        )
      }
      throw failed(who, this.#stream, cause)
    }
  }

  async #publish(
    payload: Uint8Array,
    name: string | undefined,
    { author, after }: AppendEntryOptions,
    known: string | undefined,
  ): Promise<Appended> {
    const headers = this.#broker.headers()
    if (name !== undefined) headers.set(idHeader, name)
    const subject = author === undefined ? this.#subject : `${this.#subject}.${author}`
    const { seq, duplicate } = await this.#broker.streams.jetstream().publish(subject, payload, {
      headers,
      ...(known !== undefined && { msgID: known }),
      ...(after !== undefined && { expect: { lastSequence: after } }),
    })
    return { position: seq, isNew: !duplicate }
  }

  /** Whether the entry at a position is an author's, of this name. */
  async #isOf(position: number, name: string | undefined, author: string | undefined): Promise<boolean> {
    const stored = await this.#entryAt('natsLog: append', position)
    if (stored === null) return false
    return this.#authorOf(stored) === (author ?? null) && stored.header?.get(idHeader) === name
  }

  #authorOf({ subject }: StoredMessage): string | null {
    return subject.startsWith(`${this.#subject}.`) ? subject.slice(this.#subject.length + 1) : null
  }

  async *read(from: number, options: ReadLogOptions = {}): AsyncGenerator<LogEntry, void, void> {
    const who = 'natsLog: read'
    checkRead(who, from, options)
    this.#check(who)
    const { until } = options
    const end = until ? Infinity : await this.last()
    // The word of an entry comes to whoever listens; what it is, the stream says.
    const words = until ? this.#subscribe() : undefined
    const signals = [this.#closing.signal, ...(until ? [until] : [])]
    const hears = words && heard(words)
    try {
      for (let position = from; position <= end; ) {
        if (signals.some(({ aborted }) => aborted)) return
        const stored = await this.#entryAt(who, position)
        if (stored !== null) {
          yield { ...entryOf(position, stored), author: this.#authorOf(stored) }
          position++
        } else await hears?.next(signals)
      }
    } finally {
      for (const each of words ?? []) each.unsubscribe()
    }
  }

  /** What tells of entries, with an author and without. */
  #subscribe(): readonly BrokerSubscription[] {
    return [this.#subject, `${this.#subject}.*`].map((each) => this.#broker.connection.subscribe(each))
  }

  async last(): Promise<number> {
    const who = 'natsLog: last'
    this.#check(who)
    try {
      return (await this.#broker.streams.streams.info(this.#stream)).state.last_seq
    } catch (cause) {
      throw failed(who, this.#stream, cause)
    }
  }

  close(): Promise<void> {
    this.#closing.abort()
    return Promise.resolve()
  }

  async #entryAt(who: string, seq: number): Promise<StoredMessage | null> {
    try {
      return await this.#broker.streams.direct.getMessage(this.#stream, { seq })
    } catch (cause) {
      const code = codeOf(cause)
      if (code === noMessage || code === 404) return null
      throw failed(who, this.#stream, cause)
    }
  }

  #check(who: string): void {
    if (this.#closing.signal.aborted) throw new LogError(`${who}: the log is closed; open it again.`)
  }
}

function entryOf(position: number, { data, header }: StoredMessage): Omit<LogEntry, 'author'> {
  const name = header?.get(idHeader) ?? ''
  return { position, id: name === '' ? null : decodeURIComponent(name), payload: new Uint8Array(data) }
}

/** Tells of messages: `next` resolves when one has come since it resolved last, in a while, or at a signal. */
function heard(words: readonly AsyncIterable<unknown>[]): {
  next(signals: readonly AbortSignal[]): Promise<void>
} {
  let hasCome = false
  let tell = (): void => {}
  const hear = async (words: AsyncIterable<unknown>): Promise<void> => {
    for await (const _word of words) {
      hasCome = true
      tell()
    }
  }
  // Who may not listen, or hears no more, looks by himself.
  for (const each of words) hear(each).catch(() => {})
  return {
    async next(signals) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, hasCome ? 5 : lookEvery)
        const settled = new AbortController()
        function done(): void {
          clearTimeout(timer)
          settled.abort()
          resolve()
        }
        tell = done
        for (const signal of signals) {
          if (signal.aborted) done()
          else signal.addEventListener('abort', done, { signal: settled.signal })
        }
      })
      hasCome = false
    },
  }
}

function failed(who: string, stream: string, cause: unknown): LogError {
  return new LogError(`${who}: ${stream}: ${(cause as Error).message}`, { cause })
}
