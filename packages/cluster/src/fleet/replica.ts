/** A replica's side of a fleet: a model that follows the weights of a learner, whole or not at all. */
import type { Gpt } from '@burgeon/gpt'
import { checkArgument, checkOptions, checks, defaultDevice, Device } from '@burgeon/tensor'
import { TransportError } from '../errors.ts'
import { type Blobs, someBlobs } from '../seams/blobs.ts'
import { aTransport, type Subscription, type Transport } from '../seams/transport.ts'
import { type Held, takeWeights } from './held-weights.ts'
import { lastWhole } from './last-whole.ts'
import { WeightsError } from './weights-error.ts'
import { type Announcement, nameOf, readAnnouncement } from './weights-message.ts'

/** What happened to a replica. */
export type ReplicaEvent =
  /** It has other weights. */
  | { readonly kind: 'followed'; readonly version: string; readonly isWhole: boolean }
  /** What was announced does not build on what it has, or is damaged: it asks for the whole. */
  | { readonly kind: 'asked'; readonly why: string }
  /** It keeps the weights that it has. */
  | { readonly kind: 'kept'; readonly why: string }

/** What a replica needs. */
export interface ReplicaOptions {
  readonly transport: Transport
  readonly blobs: Blobs
  /** That of the source. */
  readonly subject: string
  /** The default device unless given. */
  readonly device?: Device
  /**
   * Makes the signal that ends the wait for an answer of the source; it waits as long as the source may answer
   * unless given.
   */
  readonly limit?: () => AbortSignal
  /** Runs what has other weights take the place of its own, when nobody works with them; at once unless given. */
  readonly turn?: (replace: () => Promise<void>) => Promise<void>
  /** Is told what happens. */
  readonly onEvent?: (event: ReplicaEvent) => void
}

/**
 * A model that follows the weights of a `WeightsSource`. Others take the place of its weights only when all of them
 * are there and their digests are those that were announced; an answer that has begun ends with the weights that it
 * began with. What does not fit (an announcement that was lost, came twice, late or damaged) makes it ask for the
 * whole, and where that cannot be had, keep what it has, and say so.
 */
export class Replica {
  readonly #options: ReplicaOptions
  readonly #device: Device
  readonly #old = new Set<Held>()
  #held: Held | null = null
  /** What the source has announced last, as far as it was heard; null while it does not answer. */
  #newest: Announcement | null = null
  #subscription: Subscription | undefined
  #turn: Promise<void> = Promise.resolve()

  private constructor(options: ReplicaOptions) {
    this.#options = options
    this.#device = options.device ?? defaultDevice()
  }

  /**
   * Begins to follow; resolves when it has the present weights, or, where no source answers, the last that lie whole
   * in the store.
   *
   * @throws OptionError for options that are none, TransportError if no source answers and the store has no weights,
   *   WeightsError or BlobError if its weights cannot be had.
   */
  static async follow(options: ReplicaOptions): Promise<Replica> {
    checkOptions('Replica.follow', options, {
      transport: checks.required(aTransport),
      blobs: checks.required(someBlobs),
      subject: checks.required(checks.text),
      device: checks.instance('a Device', Device),
      limit: checks.callback('a function that makes a signal'),
      turn: checks.callback('a function that runs another'),
      onEvent: checks.callback('a function of an event'),
    })
    const replica = new Replica(options)
    const { transport, subject } = options
    // What is announced from now on waits for the whole.
    const first = replica.#inTurn(() => replica.#takeFirst())
    replica.#subscription = await transport.subscribe(subject, ({ payload }) =>
      replica.#inTurn(() => replica.#hear(payload)),
    )
    try {
      await first
    } catch (error) {
      await replica.close()
      throw error
    }
    return replica
  }

  /** Its weights by name: steps that they have learnt, and the beginning of their digest. */
  get version(): string {
    return nameOf(this.#now.announcement)
  }

  /** Steps that its weights have learnt. */
  get step(): number {
    return this.#now.announcement.step
  }

  /**
   * The model with its present weights. It is let go of when others take their place, but not while `use` has it,
   * and a generation that has begun keeps what it reads.
   */
  get model(): Gpt {
    return this.#now.model
  }

  /** What is attached to its weights; null where nothing is. The same object as long as it is the same. */
  get attachment(): Uint8Array | null {
    return this.#now.attached?.bytes ?? null
  }

  /**
   * Announcements that the source has made since that of its weights, as far as it has heard of them; null where
   * that is not known: the source did not answer when it was looked for last, or has been opened anew and what it
   * has could not be had yet.
   */
  get behind(): number | null {
    const { announcement } = this.#now
    const newest = this.#newest
    if (newest === null) return null
    if (newest.root === announcement.root) return 0
    return newest.source === announcement.source ? newest.version - announcement.version : null
  }

  /**
   * Asks the source for what it has announced last, and takes it up: for what was lost on the way, such as while
   * a broker was away. Called now and then, as often as it may be behind without knowing it.
   */
  look(): Promise<void> {
    return this.#inTurn(async () => {
      try {
        const said = readAnnouncement(await this.#ask('head'))
        // Nothing has happened where it is what was heard before.
        const isKnown = said.root === this.#newest?.root && this.behind === 0
        if (!isKnown || said.source !== this.#now.announcement.source) await this.#heard(said)
      } catch (error) {
        this.#newest = null
        this.#say({ kind: 'kept', why: `the source does not answer: ${(error as Error).message}` })
      }
    })
  }

  /** Works with the model of this moment, which stays until it is done. */
  async use<R>(body: (model: Gpt, version: string) => Promise<R>): Promise<R> {
    checkArgument('Replica.use', 'body', body, checks.callback('a function of a model'))
    const held = this.#now
    held.users++
    try {
      return await body(held.model, nameOf(held.announcement))
    } finally {
      held.users--
      this.#letGo()
    }
  }

  /** Resolves when all that was announced so far has been taken up, or not. */
  settled(): Promise<void> {
    return this.#turn
  }

  /** Follows no more, and frees its weights. */
  async close(): Promise<void> {
    await this.#subscription?.close()
    await this.#turn
    if (this.#held) this.#old.add(this.#held)
    this.#held = null
    this.#letGo()
  }

  get #now(): Held {
    if (this.#held !== null) return this.#held
    throw new WeightsError('Replica: it has been closed; expected one that follows.')
  }

  #inTurn(body: () => Promise<void>): Promise<void> {
    const next = this.#turn.then(body)
    this.#turn = next.catch(() => {})
    return next
  }

  #say(event: ReplicaEvent): void {
    this.#options.onEvent?.(event)
  }

  /** Takes up what was announced, asks for the whole, or keeps what there is. */
  async #hear(payload: Uint8Array): Promise<void> {
    let said: Announcement
    try {
      said = readAnnouncement(payload)
    } catch (error) {
      return this.#takeWholeOrKeep((error as Error).message)
    }
    const { source, version } = this.#now.announcement
    if (said.source === source && said.version < version) {
      return this.#say({ kind: 'kept', why: `${nameOf(said)} came late: it has ${this.version}` })
    }
    await this.#heard(said)
  }

  /** Takes up what the source has announced last. */
  async #heard(said: Announcement): Promise<void> {
    this.#newest = said
    const held = this.#now
    if (said.root === held.announcement.root) {
      // Also by a source that was opened again, which counts from 1.
      held.announcement = said
      return this.#say({ kind: 'kept', why: `${nameOf(said)} is what it has` })
    }
    if (said.from !== held.announcement.root) {
      return this.#takeWholeOrKeep(`${nameOf(said)} builds on other weights than ${this.version}`)
    }
    try {
      await this.#take(said)
    } catch (error) {
      await this.#takeWholeOrKeep((error as Error).message)
    }
  }

  async #takeWholeOrKeep(why: string): Promise<void> {
    this.#say({ kind: 'asked', why })
    try {
      await this.#takeWhole()
    } catch (error) {
      this.#say({ kind: 'kept', why: `the whole cannot be had: ${(error as Error).message}` })
    }
  }

  #ask(what: 'head' | 'whole'): Promise<Uint8Array> {
    const { transport, subject, limit } = this.#options
    return transport.request(`${subject}.${what}`, new Uint8Array(), limit && { signal: limit() })
  }

  async #takeFirst(): Promise<void> {
    try {
      await this.#takeWhole()
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      const left = await lastWhole(this.#options.blobs)
      if (left === null) throw error
      await this.#take(left)
      this.#say({
        kind: 'kept',
        why: `the source does not answer, and ${this.version} was left: ${error.message}`,
      })
    }
  }

  async #takeWhole(): Promise<void> {
    const said = readAnnouncement(await this.#ask('whole'))
    this.#newest = said
    if (said.root === this.#held?.announcement.root) {
      return this.#say({ kind: 'kept', why: `${nameOf(said)} is what it has` })
    }
    await this.#take(said)
  }

  /** Makes the weights of an announcement, and puts them in the place of its own if they are what was announced. */
  async #take(said: Announcement): Promise<void> {
    const { blobs, turn = (replace) => replace() } = this.#options
    const next = await takeWeights(said, this.#held, { blobs, device: this.#device })
    await turn(() => {
      if (this.#held !== null) this.#old.add(this.#held)
      this.#held = next
      this.#letGo()
      return Promise.resolve()
    })
    this.#say({ kind: 'followed', version: this.version, isWhole: said.from === null })
  }

  /** Frees old weights that nobody works with; the latest of them stay for whoever has just asked for the model. */
  #letGo(): void {
    const latest = [...this.#old].at(-1)
    for (const held of this.#old) {
      if (held.users > 0 || (held === latest && this.#held !== null)) continue
      held.model.dispose()
      this.#old.delete(held)
    }
  }
}
