/**
 * Requests and answers larger than a message may be: they travel in parts, one request for each. What is to be kept
 * goes into blobs instead; this is for what is used once, such as the numbers between two stages of a model.
 */
import { checkArgument, checks } from '@burgeon/tensor'
import { TransportError } from '../errors.ts'
import { maxPayload } from './payload.ts'
import {
  aTransport,
  type Message,
  type RequestOptions,
  type Subscription,
  type Transport,
} from './transport.ts'

/** A part begins with its kind, who sends it (8 bytes) and its call (4 bytes). */
const headerBytes = 13
const partBytes = maxPayload - headerBytes
/** Kinds of parts of a request: more of it comes; it is whole with this one; the next part of the answer. */
const [moreComes, isWhole, nextPart] = [0, 1, 2]
/** Those who may be in the middle of a request at once; of more, whoever has been silent longest is forgotten. */
const maxSenders = 64

/** Asks with bytes of any length; see `largeRequests`. */
export type AskLarge = (payload: Uint8Array, options?: RequestOptions) => Promise<Uint8Array>

/**
 * A way to ask with bytes of any length on a subject that `respondLarge` answers. Its requests are made one after
 * the other, and come in that order.
 *
 * @throws OptionError for what is no transport; when asked, as `Transport.request`.
 */
export function largeRequests(transport: Transport, subject: string): AskLarge {
  checkArgument('largeRequests', 'transport', transport, aTransport)
  checkArgument('largeRequests', 'subject', subject, checks.text)
  const sender = crypto.getRandomValues(new Uint8Array(8))
  let calls = 0
  let last: Promise<unknown> = Promise.resolve()
  const one = async (payload: Uint8Array, options?: RequestOptions): Promise<Uint8Array> => {
    const call = ++calls
    const send = (kind: number, part: Uint8Array): Promise<Uint8Array> =>
      transport.request(subject, partOf(kind, sender, call, part), options)
    const parts = Math.max(1, Math.ceil(payload.length / partBytes))
    for (let i = 0; i < parts - 1; i++) {
      await send(moreComes, payload.subarray(i * partBytes, (i + 1) * partBytes))
    }
    const answers = [await send(isWhole, payload.subarray((parts - 1) * partBytes))]
    while (answers[answers.length - 1][0] === moreComes) answers.push(await send(nextPart, new Uint8Array()))
    return joined(answers.map((answer) => answer.subarray(1)))
  }
  return (payload, options) => {
    checkArgument('largeRequests', 'payload', payload, checks.instance('a Uint8Array', Uint8Array))
    const answered = last.then(() => one(payload, options))
    last = answered.catch(() => {})
    return answered
  }
}

/** A sender's request as far as it has come, and what is left of the answer. */
interface Conversation {
  readonly call: number
  readonly parts: Uint8Array[]
  readonly answers: Uint8Array[]
}

/**
 * Answers requests of any length, of `largeRequests`. In no group: parts of one request would reach several.
 *
 * @throws OptionError for arguments that are none, TransportError as `Transport.respond`.
 */
export async function respondLarge(
  transport: Transport,
  pattern: string,
  answer: (payload: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<Subscription> {
  checkArgument('respondLarge', 'transport', transport, aTransport)
  checkArgument('respondLarge', 'answer', answer, checks.callback())
  const conversations = new Map<string, Conversation>()
  return transport.respond(pattern, async ({ payload }: Message) => {
    const { kind, sender, call, part } = partIn(payload)
    const known = conversations.get(sender)
    const talk = known?.call === call ? known : { call, parts: [], answers: [] }
    conversations.delete(sender)
    conversations.set(sender, talk)
    if (conversations.size > maxSenders) conversations.delete([...conversations.keys()][0])
    if (kind === nextPart) return nextAnswer(talk)
    talk.parts.push(part)
    if (kind === moreComes) return new Uint8Array()
    const whole = await answer(joined(talk.parts.splice(0)))
    for (let from = 0; from === 0 || from < whole.length; from += partBytes) {
      talk.answers.push(whole.subarray(from, from + partBytes))
    }
    return nextAnswer(talk)
  })
}

function nextAnswer({ answers }: Conversation): Uint8Array {
  const next = answers.shift()
  if (next === undefined) {
    throw new TransportError(
      'respondLarge: asked for more of an answer than there is; the one who asks has been silent too long. Ask anew.',
    )
  }
  return joined([Uint8Array.of(answers.length > 0 ? moreComes : isWhole), next])
}

function partOf(kind: number, sender: Uint8Array, call: number, part: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerBytes + part.length)
  bytes[0] = kind
  bytes.set(sender, 1)
  new DataView(bytes.buffer).setUint32(9, call, true)
  bytes.set(part, headerBytes)
  return bytes
}

function partIn(payload: Uint8Array): { kind: number; sender: string; call: number; part: Uint8Array } {
  if (payload.length < headerBytes || payload[0] > nextPart) {
    throw new TransportError(
      `respondLarge: got ${payload.length} bytes that are no part of a request; expected those of largeRequests.`,
    )
  }
  const call = new DataView(payload.buffer, payload.byteOffset).getUint32(9, true)
  return {
    kind: payload[0],
    sender: payload.subarray(1, 9).join(),
    call,
    part: payload.subarray(headerBytes),
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
