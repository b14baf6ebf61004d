/** One member of a network within one process. */
import { checkArgument, checks } from '@burgeon/tensor'
import { TransportError } from '../../errors.ts'
import { aPayload } from '../payload.ts'
import {
  checkListening,
  checkRequest,
  checkSending,
  type Message,
  type RequestOptions,
  type SubscribeOptions,
  type Subscription,
  type Transport,
} from '../transport.ts'
import { unlessAborted } from '../unless-aborted.ts'
import type { Exchange } from './in-process-network.ts'

/** One member of a network within one process. */
export class InProcessTransport implements Transport {
  readonly #exchange: Exchange
  readonly #closing = new AbortController()

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  async publish(subject: string, payload: Uint8Array): Promise<void> {
    this.#checkSending('publish', subject, payload)
    this.#exchange.publish({ subject, payload })
    return Promise.resolve()
  }

  async subscribe(
    pattern: string,
    receive: (message: Message) => void | Promise<void>,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const who = 'transport: subscribe'
    checkListening(who, pattern, options)
    checkArgument(who, 'receive', receive, checks.callback())
    this.#checkOpen(who)
    let last = Promise.resolve()
    const own = this.#untilClosed()
    const after = async (before: Promise<void>, message: Message): Promise<void> => {
      await before
      if (own.signal.aborted) return
      try {
        await receive(message)
      } catch {
        // A message that could not be handled is no reason not to hear the next.
      }
    }
    const take = (message: Message): Promise<void> => {
      last = after(last, message)
      return last
    }
    return Promise.resolve(enlisted(this.#exchange.listeners, own, { pattern, group: options.group, take }))
  }

  async respond(
    pattern: string,
    answer: (message: Message) => Uint8Array | Promise<Uint8Array>,
  ): Promise<Subscription> {
    const who = 'transport: respond'
    checkListening(who, pattern, {})
    checkArgument(who, 'answer', answer, checks.callback())
    this.#checkOpen(who)
    const own = this.#untilClosed()
    const gone = `transport: request: the one who answers on ${pattern} has gone.`
    const one = async (message: Message): Promise<Uint8Array> => {
      const answered = (async () => answer(message))()
      const bytes = await unlessAborted(answered, [[own.signal, gone]])
      checkArgument(who, 'the answer', bytes, aPayload)
      return new Uint8Array(bytes)
    }
    return Promise.resolve(
      enlisted(this.#exchange.responders, own, { pattern, group: 'responders', answer: one }),
    )
  }

  async request(subject: string, payload: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    const who = 'transport: request'
    this.#checkSending('request', subject, payload)
    checkRequest(who, options)
    const responder = this.#exchange.responderFor(subject)
    if (responder === undefined) {
      throw new TransportError(`${who}: nobody answers on ${subject}; is the one who should there?`)
    }
    const answered = responder
      .answer({ subject, payload: new Uint8Array(payload) })
      .catch((cause: unknown) => {
        if (cause instanceof TransportError) throw cause
        throw new TransportError(`${who}: ${subject} failed: ${(cause as Error).message}`, { cause })
      })
    return unlessAborted(answered, [
      [options.signal, `${who}: ${subject} has not answered in time.`],
      [this.#closing.signal, `${who}: the transport was closed before ${subject} had answered.`],
    ])
  }

  close(): Promise<void> {
    this.#closing.abort()
    return Promise.resolve()
  }

  /** Aborted when the transport is closed, or by itself. */
  #untilClosed(): AbortController {
    const own = new AbortController()
    this.#closing.signal.addEventListener('abort', () => own.abort(), { signal: own.signal })
    return own
  }

  #checkSending(what: string, subject: string, payload: Uint8Array): void {
    checkSending(`transport: ${what}`, subject, payload)
    this.#checkOpen(`transport: ${what}`)
  }

  #checkOpen(who: string): void {
    if (!this.#closing.signal.aborted) return
    throw new TransportError(`${who}: the transport is closed; connect again.`)
  }
}

/** Adds a party to the list of its kind, until it is closed. */
function enlisted<P extends Subscription>(
  all: P[],
  own: AbortController,
  party: Omit<P, 'close'>,
): Subscription {
  const close = (): Promise<void> => {
    own.abort()
    return Promise.resolve()
  }
  const listed = { ...party, close } as P
  all.push(listed)
  own.signal.addEventListener('abort', () => all.splice(all.indexOf(listed), 1), { once: true })
  return { close }
}
