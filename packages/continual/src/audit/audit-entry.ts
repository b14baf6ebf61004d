/** Entries of an audit log: a line of JSON each, which names the hash of the line before it. */
import { type Check, checkArgument, checks, fields } from '@burgeon/tensor'
import { grownPeaks, leafHash, type Peaks, peakSizes, rootOfPeaks } from './merkle-tree.ts'
import { bytesOfHex, hexOf } from './sha256.ts'

/** Something that is to be put down. Plain data, without any text that was learnt. */
export interface AuditNote {
  /** What happened: `learnt`, `growth`, `checkpoint`, … */
  readonly kind: string
  /** Updates that the learner had made. */
  readonly step: number
  readonly data: Readonly<Record<string, unknown>>
}

/** A note in its place in the log. */
export interface AuditEntry extends AuditNote {
  /** Its number, from 0 without gaps. */
  readonly i: number
  /** Leaf hash of the entry before it, in hexadecimal; 64 zeros of the first. */
  readonly prev: string
  /** When it was written, in milliseconds since 1970 (UTC). */
  readonly at: number
}

/** Size of a log, and the root of its Merkle tree (RFC 6962, section 2.1), in hexadecimal. */
export interface AuditHead {
  readonly size: number
  readonly root: string
}

/** A place in a log, as a checkpoint holds it: enough to go on there, and to find what was changed before. */
export interface AuditPlace {
  /** Which of the logs of a life: 0, and one more each time that a log had to be begun anew. */
  readonly series: number
  /** Entries before it. */
  readonly size: number
  /** Leaf hashes of the last two of them, or of as many as there are, in hexadecimal. */
  readonly last: readonly string[]
  /** Roots of the perfect subtrees that they make, left to right. */
  readonly peaks: readonly string[]
}

/** The place before the first entry. */
export const auditBeginning: AuditPlace = { series: 0, size: 0, last: [], peaks: [] }

const hash: Check<string> = {
  expected: 'a SHA-256 digest in hexadecimal',
  accepts: (value): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
}
const hashes = checks.list('digests in hexadecimal', hash)

/** Any place. */
export const anAuditPlace: Check<AuditPlace> = {
  expected: 'a place in an audit log { series, size, last, peaks }',
  accepts: (value): value is AuditPlace => {
    const { series, size, last, peaks } = (value ?? {}) as Partial<Record<keyof AuditPlace, unknown>>
    return (
      checks.count.accepts(series) &&
      checks.count.accepts(size) &&
      hashes.accepts(last) &&
      hashes.accepts(peaks) &&
      last.length === Math.min(2, size) &&
      peaks.length === peakSizes(size).length
    )
  },
}

/** Any head. */
export const anAuditHead: Check<AuditHead> = fields('the head of an audit log', {
  size: checks.count,
  root: hash,
})

/** Any note. */
export const anAuditNote: Check<AuditNote> = fields('a note for an audit log { kind, step, data }', {
  kind: checks.text,
  step: checks.count,
  data: checks.object<AuditNote['data']>('an object of plain data'),
})

/**
 * The size and the root of a place.
 *
 * @throws OptionError for what is no place.
 */
export function auditHeadAt(place: AuditPlace): AuditHead {
  checkArgument('auditHeadAt', 'place', place, anAuditPlace)
  return { size: place.size, root: hexOf(rootOfPeaks(place.peaks.map(bytesOfHex))) }
}

const [utf8, text] = [new TextEncoder(), new TextDecoder('utf-8', { fatal: true })]

/** The line of an entry, without its end. */
const lineOf = (entry: AuditEntry): Uint8Array => utf8.encode(JSON.stringify(entry))

/** The entry of a line; null for what is none. */
export function entryIn(line: Uint8Array): AuditEntry | null {
  let found: Partial<AuditEntry> | null
  try {
    found = JSON.parse(text.decode(line)) as Partial<AuditEntry> | null
  } catch {
    return null
  }
  const isEntry =
    anAuditNote.accepts({ kind: found?.kind, step: found?.step, data: found?.data }) &&
    checks.count.accepts(found?.i) &&
    hash.accepts(found.prev) &&
    typeof found.at === 'number'
  return isEntry ? (found as AuditEntry) : null
}

/** What the first entry names as the one before it. */
const nothing = '0'.repeat(64)

/** The hash that the entry at a place names. */
const previousAt = ({ last }: Pick<AuditPlace, 'last'>): string => last.at(-1) ?? nothing

/** Goes through a log entry by entry. */
export class AuditWalk {
  #size: number
  #last: readonly string[]
  #peaks: Peaks

  constructor({ size, last, peaks }: Omit<AuditPlace, 'series'> = auditBeginning) {
    this.#size = size
    this.#last = last
    this.#peaks = peaks.map(bytesOfHex)
  }

  get size(): number {
    return this.#size
  }

  /** The hash that the next entry names. */
  get previous(): string {
    return previousAt({ last: this.#last })
  }

  /** Whether a line is the next entry. */
  isNext(line: Uint8Array): boolean {
    const entry = entryIn(line)
    return entry?.i === this.#size && entry.prev === this.previous
  }

  /** Takes a line for the next entry. Returns its leaf hash. */
  take(line: Uint8Array): Uint8Array {
    const leaf = leafHash(line)
    this.#peaks = grownPeaks(this.#peaks, this.#size, leaf)
    this.#last = [...this.#last.slice(-1), hexOf(leaf)]
    this.#size++
    return leaf
  }

  /** Writes notes as the next entries. Returns their lines. */
  add(notes: readonly AuditNote[], at: number): Uint8Array[] {
    return notes.map(({ kind, step, data }) => {
      const line = lineOf({ i: this.#size, prev: this.previous, at, kind, step, data })
      this.take(line)
      return line
    })
  }

  placeIn(series: number): AuditPlace {
    return { series, size: this.#size, last: this.#last, peaks: this.#peaks.map(hexOf) }
  }
}
