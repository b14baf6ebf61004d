/** How the processes of a cluster speak to each other. What is said is not kept: that is what a log is for. */
import { type Check, checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { aPayload } from './payload.ts'
import { aPattern, aSubject, aWord } from './subject.ts'

/** Bytes that came, and on which subject. */
export interface Message {
  readonly subject: string
  readonly payload: Uint8Array
}

/** Something that is listened to until it is closed. */
export interface Subscription {
  /** Resolves when nothing more will come; what is being handled goes on. To do so twice is to do so once. */
  close(): Promise<void>
}

/** Options of a subscription. */
export interface SubscribeOptions {
  /**
   * A group, as one word: of those who listen to the same pattern in one group, a message reaches one. Every
   * subscription gets every message unless given.
   */
  readonly group?: string
}

/** Options of a request. */
export interface RequestOptions {
  /** Ends the waiting. A request waits for as long as somebody may still answer unless given. */
  readonly signal?: AbortSignal
}

/**
 * Messages between processes, at most once each. A payload has at most `maxPayload` bytes. Of one sender to one subscription they come in order, one at a
 * time: the next comes when the promise of the last has settled. A subject is words with dots between them
 * (`updates.round-7`); where one listens, `*` stands for any one word and a last `>` for one or more.
 */
export interface Transport {
  /**
   * Sends bytes to whoever listens, be it nobody. Resolves when they are on their way.
   *
   * @throws OptionError for a subject or payload that is none, TransportError if the transport is closed or
   *   cannot send.
   */
  publish(subject: string, payload: Uint8Array): Promise<void>
  /**
   * Listens to a subject or a pattern. Resolves when every message that is published from now on will come. What
   * `receive` throws ends nothing: the next message comes all the same.
   *
   * @throws OptionError for arguments that are none, TransportError as `publish`.
   */
  subscribe(
    pattern: string,
    receive: (message: Message) => void | Promise<void>,
    options?: SubscribeOptions,
  ): Promise<Subscription>
  /**
   * Answers requests on a subject or a pattern: several who do so for the same take turns, and each may be asked
   * again before it has answered. What `answer` throws reaches the one who asked. A request comes to nobody else.
   *
   * @throws OptionError for arguments that are none, TransportError as `publish`.
   */
  respond(
    pattern: string,
    answer: (message: Message) => Uint8Array | Promise<Uint8Array>,
  ): Promise<Subscription>
  /**
   * Asks one of those who respond, and resolves with its answer.
   *
   * @throws OptionError for arguments that are none; TransportError if nobody listens, if the one who answers
   *   fails (its message is in this one's) or goes, or if the signal ends the waiting.
   */
  request(subject: string, payload: Uint8Array, options?: RequestOptions): Promise<Uint8Array>
  /** Ends all of its subscriptions and requests. To do so twice is to do so once. */
  close(): Promise<void>
}

/** Throws OptionError unless this can be sent. */
export function checkSending(who: string, subject: string, payload: Uint8Array): void {
  checkArgument(who, 'subject', subject, aSubject)
  checkArgument(who, 'payload', payload, aPayload)
}

/** Throws OptionError unless it can be listened so. */
export function checkListening(who: string, pattern: string, options: SubscribeOptions): void {
  checkArgument(who, 'pattern', pattern, aPattern)
  checkOptions(who, options, { group: aWord })
}

/** Throws OptionError for options of a request that are none. */
export function checkRequest(who: string, options: RequestOptions): void {
  checkOptions(who, options, { signal: checks.instance('an AbortSignal', AbortSignal) })
}

/** Check of a transport. */
export const aTransport: Check<Transport> = checks.role<Transport>(
  'a transport, such as one of inProcessNetwork()',
  'publish',
  'subscribe',
  'respond',
  'request',
  'close',
)
