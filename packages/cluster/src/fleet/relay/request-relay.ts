/** A door's side: sends requests of HTTP on to a fleet, and where a replica dies, to another. */
import { checkArgument, checkOptions, checks, type ChecksOf, OptionError, optional } from '@burgeon/tensor'
import { TransportError } from '../../errors.ts'
import { maxPayload } from '../../seams/payload.ts'
import { aTransport, type Subscription, type Transport } from '../../seams/transport.ts'
import type { MemberQuestion } from './answer-requests.ts'
import { jsonBytes, jsonIn, readFrame, type RelayedRequest, writeAsk } from './frames.ts'
import { PartsOfAnswer } from './parts-of-answer.ts'

/** What a relay needs. */
export interface RequestRelayOptions {
  readonly transport: Transport
  /** That of `answerRequests`. */
  readonly subject: string
  /** Replicas that are asked one after the other, 1 or more; 3 unless given. */
  readonly attempts?: number
  /** Resolves when it is time to look whether a replica still works, or when the signal is raised. */
  readonly pause: (signal: AbortSignal) => Promise<unknown>
  /** Makes the signal that ends the wait for a replica that says nothing; it waits for ever unless given. */
  readonly limit?: () => AbortSignal
}

/** A replica that works on a call. */
interface Working {
  readonly member: string
  readonly call: number
  readonly parts: PartsOfAnswer
}

const requestChecks: ChecksOf<RelayedRequest> = {
  method: checks.required(checks.text),
  path: checks.required(checks.text),
  headers: checks.required(checks.object('an object of headers')),
  body: checks.required(checks.instance('a Uint8Array', Uint8Array)),
}

/** An answer that streams cannot be asked for anew once some of it has gone out. */
const isStream = (headers: Readonly<Record<string, string>>): boolean =>
  (headers['content-type'] ?? '').startsWith('text/event-stream')

/**
 * Sends requests on to the replicas that answer on a subject with `answerRequests`, each to one of them. Where that
 * one dies before its answer is whole, or has begun to stream, another is asked: requests change nothing, so they may
 * be asked twice. A stream whose replica dies in the middle breaks off.
 */
export class RequestRelay {
  readonly #options: RequestRelayOptions
  readonly #door = crypto.randomUUID()
  readonly #calls = new Map<number, PartsOfAnswer>()
  #last = 0
  #subscription: Subscription | undefined

  private constructor(options: RequestRelayOptions) {
    this.#options = options
  }

  /** @throws OptionError for options that are none, TransportError if the transport is closed. */
  static async open(options: RequestRelayOptions): Promise<RequestRelay> {
    const { required, text, callback, integer } = checks
    checkOptions('RequestRelay.open', options, {
      ...{ transport: required(aTransport), subject: required(text), attempts: integer({ from: 1 }) },
      pause: required(callback('a function of a signal')),
      limit: callback('a function that makes a signal'),
    })
    const relay = new RequestRelay(options)
    const { transport, subject } = options
    relay.#subscription = await transport.subscribe(`${subject}.door.${relay.#door}`, ({ payload }) => {
      const frame = readFrame(payload)
      if (frame !== null) relay.#calls.get(frame.call)?.take(frame)
    })
    return relay
  }

  /**
   * Has a replica answer a request.
   *
   * @param signal Aborted when nobody waits for the answer any more.
   * @throws OptionError for a request of more than `maxPayload` bytes, head and body together; TransportError if no
   *   replica is there, or so many have failed.
   */
  async ask(request: RelayedRequest, signal?: AbortSignal): Promise<Response> {
    checkOptions('RequestRelay.ask', request, requestChecks)
    checkArgument(
      'RequestRelay.ask',
      'signal',
      signal,
      optional(checks.instance('an AbortSignal', AbortSignal)),
    )
    const reasons: string[] = []
    const { attempts = 3 } = this.#options
    while (reasons.length < attempts) {
      if (signal?.aborted === true) break
      try {
        const response = await this.#answered(await this.#begin(request), signal)
        // One that is about to end.
        if (response.status !== 503) return response
        reasons.push('it is about to end')
      } catch (error) {
        if (!(error instanceof TransportError)) throw error
        reasons.push(error.message)
      }
    }
    const why = reasons.at(-1) ?? 'nobody waits for an answer'
    throw new TransportError(`RequestRelay: no replica has answered in ${reasons.length} attempts: ${why}`)
  }

  /** Takes in no more answers. */
  async close(): Promise<void> {
    await this.#subscription?.close()
    for (const parts of this.#calls.values()) parts.fail('the door was closed')
  }

  /** Has one replica begin. */
  async #begin(request: RelayedRequest): Promise<Working> {
    const { transport, subject, limit } = this.#options
    const call = ++this.#last
    const payload = writeAsk({ door: this.#door, call }, request)
    if (payload.length > maxPayload) {
      throw new OptionError(
        `RequestRelay: got a request of ${payload.length} bytes; expected at most ${maxPayload}.`,
      )
    }
    const parts = new PartsOfAnswer()
    this.#calls.set(call, parts)
    try {
      const member = jsonIn(await transport.request(subject, payload, limit && { signal: limit() }))
      return { member: member as string, call, parts }
    } catch (error) {
      this.#calls.delete(call)
      throw error
    }
  }

  /** The answer as a whole, or as a stream. */
  async #answered(working: Working, signal: AbortSignal | undefined): Promise<Response> {
    const { parts } = working
    const over = new AbortController()
    const end = (): void => {
      over.abort()
      this.#calls.delete(working.call)
    }
    const leave = (): void => {
      parts.fail('nobody waits for the answer')
      void this.#look(working, true).catch(() => {})
    }
    signal?.addEventListener('abort', leave, { signal: over.signal })
    void this.#watch(working, over.signal)
    try {
      const { status, headers } = await parts.head()
      if (isStream(headers)) {
        const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
          try {
            const data = await parts.data()
            if (data !== null) return controller.enqueue(data)
            controller.close()
          } catch (error) {
            controller.error(error)
          }
          end()
        }
        const cancel = (): void => {
          leave()
          end()
        }
        return new Response(new ReadableStream({ pull, cancel }), { status, headers })
      }
      const body: Uint8Array[] = []
      for (let data = await parts.data(); data !== null; data = await parts.data()) body.push(data)
      end()
      const whole = new Blob(body)
      return new Response(body.length === 0 ? null : whole, { status, headers })
    } catch (error) {
      end()
      throw error
    }
  }

  /** Looks now and then whether a replica still works; fails the answer when it does not. */
  async #watch(working: Working, over: AbortSignal): Promise<void> {
    const { pause } = this.#options
    // Its last parts may be on their way when it says that it has done.
    for (let idle = 0; idle < 2; ) {
      await pause(over)
      if (over.aborted) return
      try {
        idle = (await this.#look(working, false)) ? 0 : idle + 1
      } catch (error) {
        return working.parts.fail(`the replica has gone: ${(error as Error).message}`)
      }
    }
    if (!over.aborted) working.parts.fail('the replica knows nothing of it any more')
  }

  /** Whether a replica works on a call. Throws TransportError if it is not there. */
  async #look({ member, call }: Working, isOver: boolean): Promise<boolean> {
    const { transport, subject, limit } = this.#options
    const question: MemberQuestion = { door: this.#door, call, isOver }
    const to = `${subject}.member.${member}`
    return jsonIn(await transport.request(to, jsonBytes(question), limit && { signal: limit() })) as boolean
  }
}
