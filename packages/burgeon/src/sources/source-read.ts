/**
 * The part of a source that was read: its identity, as far as a life knows it. Plain data for the checkpoint.
 */
import { createHash } from 'node:crypto'
import { textFrom, type TextFile } from './documents/file-text.ts'
import type { RunningDigest } from './running-digest.ts'

/** A place in a source. */
export interface SourcePosition {
  /**
   * Path of the file relative to the folder, with `/`; its name when the source is one file; `-` for standard
   * input.
   */
  readonly file: string
  /** Bytes of the text of this file that lie before the position. */
  readonly offset: number
  /** Whole passes over the source before this one; 0 unless given. */
  readonly pass?: number
}

/** The part of a file that was read. */
export interface FileRead {
  readonly name: string
  /** Bytes of its text. */
  readonly bytes: number
  /** Id of the form by which its text was taken out; not there for text as it lies. */
  readonly form?: string
  /** Digest of these bytes, in hexadecimal; null where an older burgeon did not keep it. */
  readonly sha256: string | null
}

/** A part of a file that is never learnt from, but measured on. */
export interface HeldOutRange {
  readonly file: string
  readonly domain: string
  readonly from: number
  readonly to: number
}

export interface SourceRead {
  /** Passes over the source that were asked for. */
  readonly passes: number
  /** Whole passes before the present one. */
  readonly pass: number
  /** Files that were read in the present pass. */
  readonly files: readonly FileRead[]
  readonly heldOut: readonly HeldOutRange[]
}

/** The first bytes of the text of a file as a digest that can go on; null when there are not as many. */
export async function digestOfStart(file: TextFile, bytes: number): Promise<RunningDigest | null> {
  const digest = createHash('sha256')
  if (bytes === 0) return digest
  let left = bytes
  for await (const chunk of textFrom(file, 0)) {
    digest.update(chunk.subarray(0, left))
    left -= Math.min(left, chunk.length)
    if (left === 0) return digest
  }
  return null
}

interface TakenBytes {
  readonly place: Required<SourcePosition>
  readonly bytes: Uint8Array
  readonly before: RunningDigest | null
}

/**
 * Follows a reader that is ahead of its learner: bytes count as read only when the learner has come past
 * them.
 */
export class ReadSoFar {
  readonly #done: Map<string, FileRead>
  #pass: number
  #open: { name: string; bytes: number; digest: RunningDigest } | null = null
  #ahead: TakenBytes[] = []
  readonly #forms: ReadonlyMap<string, string>

  /** @param forms Ids of the forms of documents, by name. */
  constructor(
    { pass, files }: Pick<SourceRead, 'pass' | 'files'>,
    forms: ReadonlyMap<string, string> = new Map(),
  ) {
    this.#pass = pass
    this.#forms = forms
    this.#done = new Map(files.map((file) => [file.name, file]))
  }

  /**
   * The reader has taken bytes from a file.
   *
   * @param before Digest of all bytes of the file before these, with the first of them.
   */
  took(place: Required<SourcePosition>, bytes: Uint8Array, before: RunningDigest | null): void {
    this.#ahead.push({ place, bytes, before })
  }

  /** The learner has come to a place. */
  reached({ file, offset, pass = 0 }: SourcePosition): void {
    const holds = ({ place, bytes }: TakenBytes): boolean =>
      place.pass === pass &&
      place.file === file &&
      place.offset <= offset &&
      offset <= place.offset + bytes.length
    const found = this.#ahead.findIndex(holds)
    if (found < 0) return
    const here = this.#ahead[found]
    const length = offset - here.place.offset
    for (const taken of this.#ahead.slice(0, found)) this.#absorb(taken)
    this.#absorb({ ...here, bytes: here.bytes.subarray(0, length) })
    // What is ahead may be very long, so it is cut once and not shifted chunk by chunk.
    this.#ahead = this.#ahead.slice(length < here.bytes.length ? found : found + 1)
    if (length < here.bytes.length) {
      const place = { ...here.place, offset }
      this.#ahead[0] = { place, bytes: here.bytes.subarray(length), before: null }
    }
  }

  /** The learner has come to the end of all that was taken. */
  finish(): void {
    for (const taken of this.#ahead) this.#absorb(taken)
    this.#ahead = []
  }

  /** Files that were read in the present pass. */
  toState(): Pick<SourceRead, 'pass' | 'files'> {
    const open = this.#open
    const files = [...this.#done.values()].filter(({ name }) => name !== open?.name)
    if (open && open.bytes > 0) files.push(this.#partOf(open))
    return { pass: this.#pass, files }
  }

  /** Takes bytes for read. */
  #absorb({ place, bytes, before }: TakenBytes): void {
    if (place.pass !== this.#pass) {
      this.#close()
      this.#done.clear()
      this.#pass = place.pass
    }
    if (this.#open?.name !== place.file) {
      this.#close()
      this.#open = { name: place.file, bytes: place.offset, digest: before?.copy() ?? createHash('sha256') }
    }
    this.#open.digest.update(bytes)
    this.#open.bytes += bytes.length
  }

  #close(): void {
    if (this.#open) this.#done.set(this.#open.name, this.#partOf(this.#open))
    this.#open = null
  }

  #partOf({ name, bytes, digest }: { name: string; bytes: number; digest: RunningDigest }): FileRead {
    const form = this.#forms.get(name)
    return { name, bytes, ...(form !== undefined && { form }), sha256: digest.copy().digest('hex') }
  }
}
