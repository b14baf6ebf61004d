/** A learner's side of a fleet: says which weights it has by now, and hands them out. */
import { aGpt, type Gpt } from '@burgeon/gpt'
import {
  checkArgument,
  checkOptions,
  checks,
  type ChecksOf,
  ParameterStore,
  shareParameters,
} from '@burgeon/tensor'
import { TransportError } from '../errors.ts'
import { type Blobs, someBlobs, someBytes } from '../seams/blobs.ts'
import { aTransport, type Subscription, type Transport } from '../seams/transport.ts'
import { AnnouncedBlobs } from './announced-blobs.ts'
import { WeightsError } from './weights-error.ts'
import {
  type Announcement,
  digestOfTensor,
  rootOf,
  type WeightsManifest,
  writeAnnouncement,
} from './weights-message.ts'

/** What is announced besides the numbers. */
export interface AnnounceOptions {
  /** Steps that the weights have learnt. */
  readonly step: number
  /** Another model from now on, as after going back to a checkpoint; the one before unless given. */
  readonly model?: Gpt
  /**
   * What belongs to the weights of this moment and those after it, such as a tokenizer; a replica has it together
   * with them. What was attached before unless given, nothing at first.
   */
  readonly attachment?: Uint8Array
}

/** What a source needs. */
export interface WeightsSourceOptions extends Partial<Pick<AnnounceOptions, 'step' | 'attachment'>> {
  readonly transport: Transport
  /** A store that the replicas see, too. */
  readonly blobs: Blobs
  /** Subject of the announcements; replicas ask for the whole below it. */
  readonly subject: string
  /** Announcements whose numbers are kept in the store, 1 or more; 8 unless given. */
  readonly keeps?: number
  /**
   * Makes the signal that ends the wait for an answer of somebody who may be there, or not any more; it waits as
   * long as somebody may answer unless given.
   */
  readonly limit?: () => AbortSignal
}

/** What was announced, and what it took. */
export interface Announced extends Announcement {
  /** Parameters that have changed since the announcement before. */
  readonly changed: number
  /** Bytes of the blob. */
  readonly bytes: number
}

interface Published {
  readonly announcement: Announcement
  readonly manifest: WeightsManifest
  /** Shares its numbers with the model until that changes them. */
  readonly weights: ParameterStore
}

const announceChecks: ChecksOf<AnnounceOptions> = {
  step: checks.required(checks.integer({ from: 0 })),
  model: aGpt,
  attachment: someBytes,
}

/**
 * Announces the weights of a model as it learns and grows: which they are, by digest, and what has changed since the
 * announcement before. What was announced last is kept, as long as the source is open, for those who ask for the
 * whole; it takes room of its own where the model has learnt since.
 */
export class WeightsSource {
  readonly #options: WeightsSourceOptions
  readonly #blobs: AnnouncedBlobs
  readonly #keeps: number
  readonly #name = crypto.randomUUID()
  readonly #responders: Subscription[] = []
  #model: Gpt
  #attached: string | null = null
  #last: Published | null = null
  #whole: Promise<Announcement> | null = null
  #turn: Promise<unknown> = Promise.resolve()
  /** Announcements since the last whose blob holds all of the weights. */
  #sinceWhole = 0

  private constructor(model: Gpt, options: WeightsSourceOptions) {
    this.#model = model
    this.#options = options
    this.#keeps = options.keeps ?? 8
    this.#blobs = new AnnouncedBlobs(options.blobs, this.#keeps)
  }

  /**
   * Opens a source, and announces the present weights.
   *
   * @throws OptionError for options that are none, TransportError if the transport is closed, WeightsError if
   *   another source announces on this subject.
   */
  static async open(model: Gpt, options: WeightsSourceOptions): Promise<WeightsSource> {
    const who = 'WeightsSource.open'
    checkArgument(who, 'model', model, aGpt)
    checkOptions(who, options, {
      transport: checks.required(aTransport),
      blobs: checks.required(someBlobs),
      subject: checks.required(checks.text),
      keeps: checks.integer({ from: 1 }),
      step: checks.integer({ from: 0 }),
      attachment: someBytes,
      limit: checks.callback('a function that makes a signal'),
    })
    const source = new WeightsSource(model, options)
    const { transport, subject, step = 0, attachment } = options
    await source.#checkAlone(who)
    await source.announce({ step, ...(attachment && { attachment }) })
    const answers = { head: () => source.#headOf(), whole: () => source.#wholeOf() }
    for (const [asked, answer] of Object.entries(answers)) {
      source.#responders.push(
        await transport.respond(`${subject}.${asked}`, async () => writeAnnouncement(await answer())),
      )
    }
    return source
  }

  /**
   * Announces the weights of this moment. The model may go on learning at once.
   *
   * @throws OptionError for options that are none, BlobError or TransportError if they cannot be handed out: then
   *   nothing was announced.
   */
  announce(options: AnnounceOptions): Promise<Announced> {
    checkOptions('WeightsSource.announce', options, announceChecks)
    const { step, attachment } = options
    this.#model = options.model ?? this.#model
    const { config } = this.#model
    const weights = new ParameterStore()
    shareParameters(weights, this.#model.parameters)
    const next = this.#turn.then(async () => {
      try {
        const digests: Record<string, string> = {}
        for (const { path, tensor } of weights) digests[path] = await digestOfTensor(tensor)
        const attached = attachment ? await this.#blobs.attach(attachment) : this.#attached
        return await this.#publish({ config, digests, attached }, weights, step)
      } catch (error) {
        weights.dispose()
        throw error
      }
    })
    this.#turn = next.catch(() => {})
    return next
  }

  /**
   * Ends it: nobody is answered any more, and what was kept is let go of.
   *
   * @param options `keepsBlobs`: leaves the numbers in the store, the last of them whole, for replicas that are still
   *   fetching them or begin later. Another source removes them with `removeOthers`, so the store should hold nothing
   *   else.
   * @throws BlobError where the last weights are to be left whole, and cannot be.
   */
  async close(options: { readonly keepsBlobs?: boolean } = {}): Promise<void> {
    checkOptions('WeightsSource.close', options, { keepsBlobs: checks.boolean })
    for (const responder of this.#responders.splice(0)) await responder.close()
    await this.#turn
    try {
      if (options.keepsBlobs !== true) await this.#blobs.removeAll()
      else if (this.#last !== null && this.#sinceWhole > 0) await this.#makeWhole()
    } finally {
      this.#last?.weights.dispose()
      this.#last = null
    }
  }

  /** Removes from the store all that is not of this source, such as what a source left that was killed. */
  removeOthers(): Promise<void> {
    const next = this.#turn.then(() => this.#blobs.removeOthers())
    this.#turn = next.catch(() => {})
    return next
  }

  /** Two sources on one subject would contradict each other. */
  async #checkAlone(who: string): Promise<void> {
    const { transport, subject, limit } = this.#options
    try {
      await transport.request(`${subject}.head`, new Uint8Array(), limit && { signal: limit() })
    } catch (error) {
      if (error instanceof TransportError) return
      throw error
    }
    throw new WeightsError(
      `${who}: another source announces weights on ${subject}; expected none. End it, or take another subject.`,
    )
  }

  async #publish(manifest: WeightsManifest, weights: ParameterStore, step: number): Promise<Announced> {
    const { transport, subject } = this.#options
    const last = this.#last
    const before = last?.manifest.digests ?? {}
    const paths = Object.keys(manifest.digests).filter((path) => manifest.digests[path] !== before[path])
    const of = { source: this.#name, version: (last?.announcement.version ?? 0) + 1, step }
    // One of those in the store is whole, for replicas that begin when nobody can be asked any more.
    const all = Object.keys(manifest.digests)
    const sent = this.#sinceWhole + 1 >= this.#keeps ? all : paths
    const { blob, bytes } = await this.#blobs.put(of, manifest, weights, sent)
    const announcement: Announcement = {
      ...of,
      ...{ root: await rootOf(manifest), from: last?.announcement.root ?? null, blob },
    }
    await transport.publish(subject, writeAnnouncement(announcement))
    this.#last = { announcement, manifest, weights }
    this.#attached = manifest.attached
    this.#whole = null
    last?.weights.dispose()
    this.#sinceWhole = sent.length === all.length ? 0 : this.#sinceWhole + 1
    return { ...announcement, changed: paths.length, bytes }
  }

  /** What was announced last. */
  #headOf(): Promise<Announcement> {
    return this.#turn.then(() => (this.#last as Published).announcement)
  }

  /** The weights that were announced last, as a whole; made once for all who ask. */
  #wholeOf(): Promise<Announcement> {
    const next = this.#turn.then(() => {
      this.#whole ??= this.#makeWhole()
      return this.#whole
    })
    this.#turn = next.catch(() => {
      this.#whole = null
    })
    return next
  }

  async #makeWhole(): Promise<Announcement> {
    const { announcement, manifest, weights } = this.#last as Published
    const { blob } = await this.#blobs.put(announcement, manifest, weights, Object.keys(manifest.digests))
    this.#sinceWhole = 0
    return { ...announcement, from: null, blob }
  }
}
