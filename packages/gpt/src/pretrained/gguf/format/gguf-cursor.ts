/** Reads the little-endian numbers of a GGUF file one after another, a window of the file at a time. */
import { type ByteSource, shown } from '@burgeon/tensor'
import { PretrainedError } from '../../config/pretrained-error.ts'

/** Bytes that are fetched at once at least, where the file has them. */
const windowBytes = 2 ** 18

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A place in a file. Nothing is fetched or made that the file is too short for. */
export class GgufCursor {
  readonly place: string
  readonly #source: ByteSource
  #window: DataView = new DataView(new ArrayBuffer(0))
  #windowAt = 0
  #at = 0

  constructor(source: ByteSource, place: string) {
    this.#source = source
    this.place = place
  }

  /** Bytes before the next one. */
  get position(): number {
    return this.#windowAt + this.#at
  }

  /** Bytes up to the end of the file. */
  get left(): number {
    return this.#source.size - this.position
  }

  /** Whether so many bytes can be read without `fetch`. */
  has(bytes: number): boolean {
    return this.#window.byteLength - this.#at >= bytes
  }

  /** Fetches so many bytes. Throws PretrainedError where the file ends before. */
  async fetch(bytes: number, what: string): Promise<void> {
    if (this.has(bytes)) return
    if (bytes > this.left) {
      this.refuse(`${this.left} more bytes`, `${bytes}, for ${what}. Has the file been cut?`)
    }
    const begin = this.position
    const end = Math.min(this.#source.size, begin + Math.max(bytes, windowBytes))
    const got = await this.#source.read(begin, end)
    if (!(got instanceof Uint8Array) || got.length !== end - begin) {
      this.refuse(`${got?.length} bytes from ${begin} on`, `${end - begin}. Has the file been cut?`)
    }
    this.#window = new DataView(got.buffer, got.byteOffset, got.length)
    this.#windowAt = begin
    this.#at = 0
  }

  async u32(what: string): Promise<number> {
    await this.fetch(4, what)
    return this.u32Here()
  }

  /** A count or an offset. Throws PretrainedError beyond 2⁵³, where numbers are not exact. */
  async u64(what: string): Promise<number> {
    await this.fetch(8, what)
    return this.u64Here(what)
  }

  /** The next number, of bytes that `has` has confirmed. */
  u32Here(): number {
    const value = this.#window.getUint32(this.#at, true)
    this.#at += 4
    return value
  }

  u64Here(what: string): number {
    const value = this.#window.getBigUint64(this.#at, true)
    this.#at += 8
    if (value > Number.MAX_SAFE_INTEGER) this.refuse(`${value} as ${what}`, 'at most 2⁵³')
    return Number(value)
  }

  /** The next bytes, which `fetch` has fetched: a view that holds until the next `fetch`. */
  bytesHere(bytes: number): DataView {
    const view = new DataView(this.#window.buffer, this.#window.byteOffset + this.#at, bytes)
    this.#at += bytes
    return view
  }

  /** A string: its length in bytes, and those. */
  async text(what: string): Promise<string> {
    if (!this.has(8)) await this.fetch(8, what)
    const length = this.u64Here(`the length of ${what}`)
    if (!this.has(length)) await this.fetch(length, what)
    const bytes = this.bytesHere(length)
    try {
      return decoder.decode(bytes)
    } catch {
      return this.refuse(`${what} of ${length} bytes that are no UTF-8`, 'UTF-8')
    }
  }

  /** @throws PretrainedError always. */
  refuse(got: string, expected: string): never {
    throw new PretrainedError(`${this.place}: got ${got}; expected ${expected}.`)
  }
}

/** A name in a message, not longer than a line. */
export const named = (name: string): string => shown(name.length > 80 ? `${name.slice(0, 80)}…` : name)
