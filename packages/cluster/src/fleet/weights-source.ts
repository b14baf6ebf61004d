/** A learner's side of a fleet: says which weights it has by now, and hands them out. */
import { aGpt, type Gpt } from '@burgeon/gpt'
import { checkArgument, checkOptions, checks, ParameterStore, shareParameters } from '@burgeon/tensor'
import { type Blobs, someBlobs } from '../seams/blobs.ts'
import { aTransport, type Subscription, type Transport } from '../seams/transport.ts'
import {
  type Announcement,
  digestOfTensor,
  rootOf,
  type WeightsManifest,
  writeAnnouncement,
  writeBlob,
} from './weights-message.ts'

/** What a source needs. */
export interface WeightsSourceOptions {
  readonly transport: Transport
  /** A store that the replicas see, too. */
  readonly blobs: Blobs
  /** Subject of the announcements; replicas ask for the whole below it. */
  readonly subject: string
  /** Announcements whose numbers are kept in the store, 1 or more; 8 unless given. */
  readonly keeps?: number
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

/**
 * Announces the weights of a model as it learns and grows: which they are, by digest, and what has changed since the
 * announcement before. What was announced last is kept, as long as the source is open, for those who ask for the
 * whole; it takes room of its own where the model has learnt since.
 */
export class WeightsSource {
  readonly #model: Gpt
  readonly #options: Required<WeightsSourceOptions>
  readonly #blobs: string[] = []
  #last: Published | null = null
  #whole: Promise<Announcement> | null = null
  #responder: Subscription | undefined
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(model: Gpt, options: Required<WeightsSourceOptions>) {
    this.#model = model
    this.#options = options
  }

  /**
   * Opens a source, and announces the present weights.
   *
   * @throws OptionError for options that are none, TransportError if the transport is closed.
   */
  static async open(model: Gpt, options: WeightsSourceOptions): Promise<WeightsSource> {
    const who = 'WeightsSource.open'
    checkArgument(who, 'model', model, aGpt)
    checkOptions(who, options, {
      transport: checks.required(aTransport),
      blobs: checks.required(someBlobs),
      subject: checks.required(checks.text),
      keeps: checks.integer({ from: 1 }),
    })
    const source = new WeightsSource(model, { keeps: 8, ...options })
    await source.announce({ step: 0 })
    const { transport, subject } = options
    source.#responder = await transport.respond(`${subject}.whole`, async () =>
      writeAnnouncement(await source.#wholeOf()),
    )
    return source
  }

  /**
   * Announces the weights of this moment. The model may go on learning at once.
   *
   * @param options `step`: steps that they have learnt.
   * @throws OptionError for a step that is none, BlobError or TransportError if they cannot be handed out: then
   *   nothing was announced.
   */
  announce(options: { readonly step: number }): Promise<Announced> {
    checkOptions('WeightsSource.announce', options, { step: checks.required(checks.integer({ from: 0 })) })
    const { config } = this.#model
    const weights = new ParameterStore()
    shareParameters(weights, this.#model.parameters)
    const next = this.#turn.then(async () => {
      try {
        const digests: Record<string, string> = {}
        for (const { path, tensor } of weights) digests[path] = await digestOfTensor(tensor)
        return await this.#publish({ config, digests }, weights, options.step)
      } catch (error) {
        weights.dispose()
        throw error
      }
    })
    this.#turn = next.catch(() => {})
    return next
  }

  /** Ends it: nobody is answered any more, and what was kept is let go of. */
  async close(): Promise<void> {
    await this.#responder?.close()
    await this.#turn
    this.#last?.weights.dispose()
    this.#last = null
    for (const blob of this.#blobs.splice(0)) await this.#options.blobs.remove(blob)
  }

  async #publish(manifest: WeightsManifest, weights: ParameterStore, step: number): Promise<Announced> {
    const { transport, subject } = this.#options
    const last = this.#last
    const before = last?.manifest.digests ?? {}
    const paths = Object.keys(manifest.digests).filter((path) => manifest.digests[path] !== before[path])
    const { blob, bytes } = await this.#put(manifest, weights, paths)
    const version = (last?.announcement.version ?? 0) + 1
    const from = last?.announcement.root ?? null
    const announcement: Announcement = { version, step, root: await rootOf(manifest), from, blob }
    await transport.publish(subject, writeAnnouncement(announcement))
    this.#last = { announcement, manifest, weights }
    this.#whole = null
    last?.weights.dispose()
    return { ...announcement, changed: paths.length, bytes }
  }

  /** The weights that were announced last, as a whole; made once for all who ask. */
  #wholeOf(): Promise<Announcement> {
    const next = this.#turn.then(() => {
      this.#whole ??= this.#makeWhole()
      return this.#whole
    })
    this.#turn = next.catch(() => {})
    return next
  }

  async #makeWhole(): Promise<Announcement> {
    const { announcement, manifest, weights } = this.#last as Published
    const { blob } = await this.#put(manifest, weights, Object.keys(manifest.digests))
    return { ...announcement, from: null, blob }
  }

  async #put(manifest: WeightsManifest, weights: ParameterStore, paths: readonly string[]) {
    const { blobs, keeps } = this.#options
    const changed = new Map<string, Float32Array>()
    for (const path of paths) changed.set(path, Float32Array.from(await weights.get(path).tensor.read()))
    const bytes = writeBlob(manifest, changed)
    const blob = await blobs.put(bytes)
    const known = this.#blobs.indexOf(blob)
    if (known >= 0) this.#blobs.splice(known, 1)
    this.#blobs.push(blob)
    for (const old of this.#blobs.splice(0, Math.max(0, this.#blobs.length - keeps))) await blobs.remove(old)
    return { blob, bytes: bytes.length }
  }
}
