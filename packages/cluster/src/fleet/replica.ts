/** A replica's side of a fleet: a model that follows the weights of a learner, whole or not at all. */
import { Gpt, type ParameterSpec } from '@burgeon/gpt'
import { checkArgument, checkOptions, checks, defaultDevice, Device } from '@burgeon/tensor'
import { type Blobs, someBlobs } from '../seams/blobs.ts'
import { aTransport, type Subscription, type Transport } from '../seams/transport.ts'
import { WeightsError } from './weights-error.ts'
import {
  type Announcement,
  digestOfNumbers,
  nameOf,
  readAnnouncement,
  readBlob,
  rootOf,
} from './weights-message.ts'

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
  /** Is told what happens. */
  readonly onEvent?: (event: ReplicaEvent) => void
}

/** Weights as a replica has them. */
interface Held {
  readonly model: Gpt
  readonly announcement: Announcement
  readonly digests: Readonly<Record<string, string>>
  users: number
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
  #subscription: Subscription | undefined
  #turn: Promise<void> = Promise.resolve()

  private constructor(options: ReplicaOptions) {
    this.#options = options
    this.#device = options.device ?? defaultDevice()
  }

  /**
   * Begins to follow; resolves when it has the present weights.
   *
   * @throws OptionError for options that are none, TransportError if no source answers, WeightsError or BlobError if
   *   its weights cannot be had.
   */
  static async follow(options: ReplicaOptions): Promise<Replica> {
    checkOptions('Replica.follow', options, {
      transport: checks.required(aTransport),
      blobs: checks.required(someBlobs),
      subject: checks.required(checks.text),
      device: checks.instance('a Device', Device),
      onEvent: checks.callback('a function of an event'),
    })
    const replica = new Replica(options)
    const { transport, subject } = options
    // What is announced from now on waits for the whole.
    const first = replica.#inTurn(() => replica.#takeWhole())
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
    try {
      const said = readAnnouncement(payload)
      const { announcement } = this.#now
      if (said.root === announcement.root)
        return this.#say({ kind: 'kept', why: `${nameOf(said)} is what it has` })
      if (said.version <= announcement.version && said.from !== null) {
        return this.#say({ kind: 'kept', why: `${nameOf(said)} came late: it has ${this.version}` })
      }
      if (said.from === announcement.root) return await this.#take(said)
      this.#say({ kind: 'asked', why: `${nameOf(said)} builds on other weights than ${this.version}` })
    } catch (error) {
      this.#say({ kind: 'asked', why: (error as Error).message })
    }
    try {
      await this.#takeWhole()
    } catch (error) {
      this.#say({ kind: 'kept', why: `the whole cannot be had: ${(error as Error).message}` })
    }
  }

  async #takeWhole(): Promise<void> {
    const { transport, subject } = this.#options
    const said = readAnnouncement(await transport.request(`${subject}.whole`, new Uint8Array()))
    if (said.root === this.#held?.announcement.root) {
      return this.#say({ kind: 'kept', why: `${nameOf(said)} is what it has` })
    }
    await this.#take(said)
  }

  /** Makes the weights of an announcement, and puts them in the place of its own if they are what was announced. */
  async #take(said: Announcement): Promise<void> {
    const { config, digests, changed } = readBlob(await this.#options.blobs.get(said.blob))
    if ((await rootOf({ config, digests })) !== said.root) {
      throw new WeightsError(`weights: the manifest of ${nameOf(said)} is not the one that was announced.`)
    }
    const before = this.#held
    const numbersOf = async ({ path, shape }: ParameterSpec): Promise<ArrayLike<number>> => {
      const numbers = changed.get(path) ?? (await this.#unchanged(before, path, digests[path]))
      if ((await digestOfNumbers(shape, numbers)) === digests[path]) return numbers
      throw new WeightsError(`weights: ${path} of ${nameOf(said)} is not what was announced.`)
    }
    const model = await Gpt.fromReader(config, numbersOf, this.#device)
    this.#held = { model, announcement: said, digests, users: 0 }
    if (before !== null) this.#old.add(before)
    this.#letGo()
    this.#say({ kind: 'followed', version: this.version, isWhole: said.from === null })
  }

  #unchanged(before: Held | null, path: string, digest: string): Promise<ArrayLike<number>> {
    if (before !== null && before.digests[path] === digest)
      return before.model.parameters.get(path).tensor.read()
    throw new WeightsError(`weights: ${path} is neither in what was announced nor as it was.`)
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
