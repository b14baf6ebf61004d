/** Messages over NATS. */
import { checkArgument, checks } from '@burgeon/tensor'
import { TransportError } from '../errors.ts'
import { aPayload } from '../seams/payload.ts'
import {
  checkListening,
  checkRequest,
  checkSending,
  type Message,
  type RequestOptions,
  type SubscribeOptions,
  type Subscription,
  type Transport,
} from '../seams/transport.ts'
import { unlessAborted } from '../seams/unless-aborted.ts'
import type { Broker, BrokerMessage } from './broker.ts'

/** The header of an answer that is none, with why. */
const failure = 'Burgeon-Failure'
/** A request waits for as long as somebody may answer: the maxWait time that a timer takes. */
const maxWait = 2 ** 31 - 1

/** A transport whose messages and requests have subjects of their own below a prefix. */
export class NatsTransport implements Transport {
  readonly #broker: Broker
  readonly #prefix: string
  readonly #closing = new AbortController()

  constructor(broker: Broker, prefix: string) {
    this.#broker = broker
    this.#prefix = prefix
  }

  async publish(subject: string, payload: Uint8Array): Promise<void> {
    this.#checkSending('publish', subject, payload)
    this.#try('natsTransport: publish', () =>
      this.#broker.connection.publish(`${this.#prefix}.msg.${subject}`, new Uint8Array(payload)),
    )
    return Promise.resolve()
  }

  async subscribe(
    pattern: string,
    receive: (message: Message) => void | Promise<void>,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const who = 'natsTransport: subscribe'
    checkListening(who, pattern, options)
    checkArgument(who, 'receive', receive, checks.callback())
    this.#checkOpen(who)
    const { group } = options
    return this.#listen(who, `msg.${pattern}`, group, async (messages, own) => {
      for await (const { subject, data } of messages) {
        if (own.aborted) return
        // A message that could not be handled is no reason not to hear the next.
        await (async () => receive({ subject: this.#bare(subject), payload: new Uint8Array(data) }))().catch(
          () => {},
        )
      }
    })
  }

  async respond(
    pattern: string,
    answer: (message: Message) => Uint8Array | Promise<Uint8Array>,
  ): Promise<Subscription> {
    const who = 'natsTransport: respond'
    checkListening(who, pattern, {})
    checkArgument(who, 'answer', answer, checks.callback())
    this.#checkOpen(who)
    return this.#listen(who, `ask.${pattern}`, 'responders', async (messages, own) => {
      for await (const message of messages) {
        if (own.aborted) return
        // Where the connection has gone, nobody hears an answer.
        this.#answered(who, message, answer, own).catch(() => {})
      }
    })
  }

  async request(subject: string, payload: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    const who = 'natsTransport: request'
    this.#checkSending('request', subject, payload)
    checkRequest(who, options)
    const asked = this.#broker.connection
      .request(`${this.#prefix}.ask.${subject}`, new Uint8Array(payload), { timeout: maxWait })
      .catch((cause: unknown) => {
        throw new TransportError(
          `${who}: ${subject}: ${(cause as Error).message}; is the one who answers there?`,
          {
            cause,
          },
        )
      })
    // One that is given up may fail later.
    asked.catch(() => {})
    const { data, headers } = await unlessAborted(asked, [
      [options.signal, `${who}: ${subject} has not answered in time.`],
      [this.#closing.signal, `${who}: the transport was closed before ${subject} had answered.`],
    ])
    const why = headers?.get(failure) ?? ''
    if (why !== '') throw new TransportError(`${who}: ${subject} failed: ${decodeURIComponent(why)}`)
    return new Uint8Array(data)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    // What was said to those who asked is on its way.
    if (!this.#broker.connection.isClosed()) await this.#broker.connection.flush().catch(() => {})
  }

  /** Listens to a subject until it is closed, or the transport is. */
  async #listen(
    who: string,
    subject: string,
    group: string | undefined,
    hear: (messages: AsyncIterable<BrokerMessage>, own: AbortSignal) => Promise<void>,
  ): Promise<Subscription> {
    const { connection } = this.#broker
    const own = new AbortController()
    const options = group === undefined ? {} : { queue: group }
    const messages = this.#try(who, () => connection.subscribe(`${this.#prefix}.${subject}`, options))
    own.signal.addEventListener('abort', () => messages.unsubscribe())
    this.#closing.signal.addEventListener('abort', () => own.abort(), { signal: own.signal })
    void hear(messages, own.signal).catch(() => {})
    // Known to the broker from here on.
    await connection.flush().catch((cause: unknown) => {
      throw failed(who, cause)
    })
    return {
      close: async () => {
        own.abort()
        if (!connection.isClosed()) await connection.flush().catch(() => {})
      },
    }
  }

  /** Answers one who asked, or says why there is no answer. */
  async #answered(
    who: string,
    message: BrokerMessage,
    answer: (message: Message) => Uint8Array | Promise<Uint8Array>,
    own: AbortSignal,
  ): Promise<void> {
    const { subject, data } = message
    try {
      const answering = (async () =>
        answer({ subject: this.#bare(subject), payload: new Uint8Array(data) }))()
      answering.catch(() => {})
      const bytes = await unlessAborted(answering, [[own, 'the one who answers has gone.']])
      checkArgument(who, 'the answer', bytes, aPayload)
      message.respond(new Uint8Array(bytes))
    } catch (error) {
      const headers = this.#broker.headers()
      headers.set(failure, encodeURIComponent((error as Error).message || 'for no reason that it gave'))
      message.respond(new Uint8Array(0), { headers })
    }
  }

  /** A subject without what stands before it. */
  #bare(subject: string): string {
    return subject.slice(this.#prefix.length + '.msg.'.length)
  }

  #checkSending(what: string, subject: string, payload: Uint8Array): void {
    checkSending(`natsTransport: ${what}`, subject, payload)
    this.#checkOpen(`natsTransport: ${what}`)
  }

  #checkOpen(who: string): void {
    if (this.#closing.signal.aborted)
      throw new TransportError(`${who}: the transport is closed; connect again.`)
  }

  #try<T>(who: string, body: () => T): T {
    try {
      return body()
    } catch (cause) {
      throw failed(who, cause)
    }
  }
}

function failed(who: string, cause: unknown): TransportError {
  return new TransportError(`${who}: ${(cause as Error).message}`, { cause })
}
