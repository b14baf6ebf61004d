/** A replica's side of a door: requests of HTTP that come as messages, each to one replica of a fleet. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { aTransport, type Subscription, type Transport } from '../../seams/transport.ts'
import {
  type Asking,
  type Frame,
  jsonBytes,
  jsonIn,
  partBytes,
  readAsk,
  type RelayedRequest,
  writeFrame,
} from './frames.ts'

/** What answering takes. */
export interface AnswerRequestsOptions {
  readonly transport: Transport
  /** Those who answer on one subject take turns. */
  readonly subject: string
}

/** Answers a request; aborted when nobody waits for the answer any more. */
export type AnswerRequest = (request: RelayedRequest, signal: AbortSignal) => Promise<Response> | Response

/** How a door asks whether its call is being worked on, and ends it. */
export interface MemberQuestion extends Asking {
  /** Nobody waits for it any more. */
  readonly isOver: boolean
}

/**
 * Answers the requests that `RequestRelay` sends on. The parts of an answer go out as they are made, so streams are
 * streams. What `answer` throws is a failure of this replica, and another is asked.
 *
 * @returns Closing it takes no more requests, and resolves when those at hand are answered.
 * @throws OptionError for arguments that are none, TransportError if the transport is closed.
 */
export async function answerRequests(
  answer: AnswerRequest,
  options: AnswerRequestsOptions,
): Promise<Subscription> {
  const who = 'answerRequests'
  checkArgument(who, 'answer', answer, checks.callback('a function of a request'))
  const { required, text } = checks
  checkOptions(who, options, { transport: required(aTransport), subject: required(text) })
  const { transport, subject } = options
  const member = crypto.randomUUID()
  const working = new Map<string, { readonly over: AbortController; readonly done: Promise<void> }>()
  const keyOf = ({ door, call }: Asking): string => `${door} ${call}`

  const work = async (asked: Asking & RelayedRequest, signal: AbortSignal): Promise<void> => {
    const { door, call, ...request } = asked
    let at = 0
    const send = (kind: Frame['kind'], bytes: Uint8Array = new Uint8Array()): Promise<void> =>
      transport.publish(`${subject}.door.${door}`, writeFrame({ call, at: at++, kind, bytes }))
    try {
      const response = await answer(request, signal)
      const headers = Object.fromEntries(response.headers)
      await send('head', jsonBytes({ status: response.status, headers }))
      await sendBody(response, signal, (bytes) => send('data', bytes))
      await send('end')
    } catch (error) {
      // Where the transport has gone, nobody hears of it; who asked will look.
      await send('failed', jsonBytes((error as Error).message)).catch(() => {})
    }
  }
  const members = await transport.respond(`${subject}.member.${member}`, ({ payload }) => {
    const { isOver, ...asking } = jsonIn(payload) as MemberQuestion
    const own = working.get(keyOf(asking))
    if (isOver) own?.over.abort()
    return jsonBytes(own !== undefined)
  })
  const requests = await transport.respond(subject, ({ payload }) => {
    const asked = readAsk(payload)
    const over = new AbortController()
    const done = work(asked, over.signal).finally(() => working.delete(keyOf(asked)))
    working.set(keyOf(asked), { over, done })
    return jsonBytes(member)
  })
  return {
    async close() {
      await requests.close()
      await Promise.all([...working.values()].map(({ done }) => done))
      await members.close()
    },
  }
}

/** Sends a body in parts that fit, until nobody wants it. */
async function sendBody(
  { body }: Response,
  signal: AbortSignal,
  send: (part: Uint8Array) => Promise<void>,
): Promise<void> {
  if (body === null) return
  const reader = body.getReader()
  const stop = (): void => void reader.cancel().catch(() => {})
  signal.addEventListener('abort', stop)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      for (let from = 0; from < value.length; from += partBytes)
        await send(value.subarray(from, from + partBytes))
    }
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
