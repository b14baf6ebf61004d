/** One member of a network within one process. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { TransportError } from '../../errors.ts'
import { aPayload } from '../payload.ts'
import { aPattern, aSubject, aWord } from '../subject.ts'
import type { Message, RequestOptions, SubscribeOptions, Subscription, Transport } from '../transport.ts'
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
    checkArgument(who, 'pattern', pattern, aPattern)
    checkArgument(who, 'receive', receive, checks.callback())
    checkOptions(who, options, { group: aWord })
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
    checkArgument(who, 'pattern', pattern, aPattern)
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
    checkOptions(who, options, { signal: checks.instance('an AbortSignal', AbortSignal) })
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
    checkArgument(`transport: ${what}`, 'subject', subject, aSubject)
    checkArgument(`transport: ${what}`, 'payload', payload, aPayload)
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

/** The same as a promise, but for a TransportError if one of the signals is aborted before. */
function unlessAborted<T>(
  promise: Promise<T>,
  signals: readonly (readonly [signal: AbortSignal | undefined, message: string])[],
): Promise<T> {
  const settled = new AbortController()
  return new Promise<T>((resolve, reject) => {
    promise.then(resolve, reject)
    for (const [signal, message] of signals) {
      const end = (): void => reject(new TransportError(message))
      if (signal?.aborted) end()
      else signal?.addEventListener('abort', end, { signal: settled.signal })
    }
  }).finally(() => settled.abort())
}
