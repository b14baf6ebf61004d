/** Bytes by their digest, in pieces that a stream of JetStream keeps. */
import { checkArgument } from '@burgeon/tensor'
import { BlobError } from '../errors.ts'
import { aDigest, type Blobs, someBytes } from '../seams/blobs.ts'
import { digestOf } from '../seams/digest.ts'
import { maxPayload } from '../seams/payload.ts'
import { type Broker, codeOf, noMessage, type StoredMessage } from './broker.ts'

/** Subject of a piece, and of what says how many there are. */
const [piece, head] = ['piece', 'head']

/** A store in which every piece has a subject of its own; of each the last message counts. */
export class NatsBlobs implements Blobs {
  readonly #broker: Broker
  readonly #stream: string
  readonly #prefix: string

  /** @param prefix Of the subjects of the stream, without the dot at its end. */
  constructor(broker: Broker, stream: string, prefix: string) {
    this.#broker = broker
    this.#stream = stream
    this.#prefix = prefix
  }

  async put(bytes: Uint8Array): Promise<string> {
    const who = 'natsBlobs: put'
    checkArgument(who, 'bytes', bytes, someBytes)
    const own = new Uint8Array(bytes)
    const digest = await digestOf(own)
    if (await this.has(digest)) return digest
    const pieces = Math.ceil(own.length / maxPayload)
    for (let i = 0; i < pieces; i++) {
      const part = own.subarray(i * maxPayload, (i + 1) * maxPayload)
      await this.#publish(who, `${digest}.${piece}-${i}`, part)
    }
    // Last: what has a head is whole.
    await this.#publish(who, `${digest}.${head}`, new TextEncoder().encode(`${pieces}`))
    return digest
  }

  async get(digest: string): Promise<Uint8Array> {
    const who = 'natsBlobs: get'
    checkArgument(who, 'digest', digest, aDigest)
    const about = await this.#last(who, `${digest}.${head}`)
    if (about === null) throw new BlobError(`${who}: there are no bytes of the digest ${digest}.`)
    const pieces = Number(new TextDecoder().decode(about.data))
    const parts: Uint8Array[] = []
    for (let i = 0; i < pieces; i++) {
      const part = await this.#last(who, `${digest}.${piece}-${i}`)
      if (part === null) throw new BlobError(`${who}: piece ${i} of ${pieces} of ${digest} is gone.`)
      parts.push(part.data)
    }
    const whole = new Uint8Array(parts.reduce((total, { length }) => total + length, 0))
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    if ((await digestOf(whole)) !== digest) {
      throw new BlobError(`${who}: the bytes of ${digest} are damaged: their digest is another.`)
    }
    return whole
  }

  async has(digest: string): Promise<boolean> {
    checkArgument('natsBlobs: has', 'digest', digest, aDigest)
    return (await this.#last('natsBlobs: has', `${digest}.${head}`)) !== null
  }

  async list(): Promise<readonly string[]> {
    try {
      const filter = `${this.#prefix}.*.${head}`
      const { state } = await this.#broker.streams.streams.info(this.#stream, { subjects_filter: filter })
      const subjects = Object.keys(state.subjects ?? {})
      return subjects.map((subject) => subject.split('.').at(-2) ?? '').toSorted()
    } catch (cause) {
      throw failed('natsBlobs: list', this.#stream, cause)
    }
  }

  async remove(digest: string): Promise<void> {
    checkArgument('natsBlobs: remove', 'digest', digest, aDigest)
    try {
      await this.#broker.streams.streams.purge(this.#stream, { filter: `${this.#prefix}.${digest}.${head}` })
      await this.#broker.streams.streams.purge(this.#stream, { filter: `${this.#prefix}.${digest}.>` })
    } catch (cause) {
      throw failed('natsBlobs: remove', this.#stream, cause)
    }
  }

  async #publish(who: string, name: string, data: Uint8Array): Promise<void> {
    try {
      await this.#broker.streams.jetstream().publish(`${this.#prefix}.${name}`, data, {})
    } catch (cause) {
      throw failed(who, this.#stream, cause)
    }
  }

  async #last(who: string, name: string): Promise<StoredMessage | null> {
    try {
      const query = { last_by_subj: `${this.#prefix}.${name}` }
      return await this.#broker.streams.direct.getMessage(this.#stream, query)
    } catch (cause) {
      const code = codeOf(cause)
      if (code === noMessage || code === 404) return null
      throw failed(who, this.#stream, cause)
    }
  }
}

function failed(who: string, stream: string, cause: unknown): BlobError {
  return new BlobError(`${who}: ${stream}: ${(cause as Error).message}`, { cause })
}
