import { createHash } from 'node:crypto'
import { compareCodeUnits } from '../sources/files/compare-code-units.ts'
import type { Piece } from './text/pieces.ts'
import { StreamError } from '../sources/stream-error.ts'

/** One kind of text in the stream: what is learnt, and what is kept aside to measure on. */
export interface DomainText {
  readonly name: string
  /** UTF-8 text to learn from. */
  readonly train: Uint8Array
  /** UTF-8 text that is never learnt from; taken from all over the domain. */
  readonly heldOut: Uint8Array
  /** SHA-256 of `train` followed by `heldOut`, in hexadecimal. */
  readonly digest: string
  /** How many files gave text to either part. */
  readonly files: number
}

/** Upper bounds in bytes, positive integers. */
export interface DomainBounds {
  /** Max bytes of `train`. */
  readonly bytesPerDomain: number
  /** Max bytes of `heldOut`. */
  readonly heldOutBytes: number
}

/** Every twelfth piece is held out, so that both parts are the same mixture of files. */
const heldOutEvery = 12

/** No file may give more than this share of a domain: one long file would be a domain of its own. */
const largestFileShare = 1 / 8

/** Below this share of what was asked for, a domain is too poor to be worth learning. */
const smallestShare = 1 / 10

/**
 * Pieces → a domain within its bounds, in an order that depends on nothing but the files' paths.
 *
 * @throws StreamError `too-little-text` when less than a tenth of the asked bytes, or nothing to hold out,
 *   was found.
 */
export function domainText(name: string, pieces: readonly Piece[], bounds: DomainBounds): DomainText {
  const files = new Set<string>()
  const train = new BoundedText(bounds.bytesPerDomain)
  const heldOut = new BoundedText(bounds.heldOutBytes)
  const fileLimit = Math.max(16384, (bounds.bytesPerDomain + bounds.heldOutBytes) * largestFileShare)
  for (const [place, piece] of shuffledByPath(withoutLongFiles(pieces, fileLimit)).entries()) {
    const preferred = place % heldOutEvery === heldOutEvery - 1 ? heldOut : train
    // A full held-out part gives its pieces back; a full training part must not leak into the held-out one.
    if (preferred.add(piece.text) || (preferred === heldOut && train.add(piece.text))) files.add(piece.file)
  }
  const found = train.length
  if (found < bounds.bytesPerDomain * smallestShare || heldOut.length === 0) {
    throw new StreamError(
      'too-little-text',
      `default stream: found ${found} bytes of ${name} to learn and ${heldOut.length} to hold out, expected up to` +
        ` ${bounds.bytesPerDomain} and ${bounds.heldOutBytes}. Is node_modules complete? Run \`npm ci\`.`,
    )
  }
  const [trainBytes, heldOutBytes] = [train.bytes(), heldOut.bytes()]
  const digest = createHash('sha256').update(trainBytes).update(heldOutBytes).digest('hex')
  return { name, train: trainBytes, heldOut: heldOutBytes, digest, files: files.size }
}

/**
 * Pieces in a pseudo-random order given by the hash of their path and place. Neighbors come from different
 * packages, so the text is as stationary inside a domain as its files allow, and a change detector fires
 * between domains.
 */
export function shuffledByPath(pieces: readonly Piece[]): Piece[] {
  return pieces
    .map((piece) => ({
      piece,
      key: createHash('sha256').update(`${piece.file}\n${piece.index}`).digest('hex'),
    }))
    .sort((a, b) => compareCodeUnits(a.key, b.key))
    .map(({ piece }) => piece)
}

/** Thins out files that are longer than `limit` bytes, evenly over their length. */
function withoutLongFiles(pieces: readonly Piece[], limit: number): Piece[] {
  const given = new Map<string, number>()
  return shuffledByPath(pieces).filter(({ file, text }) => {
    const before = given.get(file) ?? 0
    given.set(file, before + Buffer.byteLength(text))
    return before < limit
  })
}

/**
 * Texts with an empty line between them, never more than `limit` bytes. The one that reaches the limit is cut
 * and closes it.
 */
class BoundedText {
  length = 0
  #open = true
  readonly #limit: number
  readonly #parts: Buffer[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Adds the text, or as many of its lines as fit; whether any did. */
  add(text: string): boolean {
    if (!this.#open) return false
    const whole = Buffer.from(`${text}\n\n`)
    const room = this.#limit - this.length
    const part = whole.length <= room ? whole : wholeLines(whole.subarray(0, room))
    this.#open = part.length === whole.length || (this.length === 0 && part.length === 0)
    this.#parts.push(part)
    this.length += part.length
    return part.length > 0
  }

  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts))
  }
}

function wholeLines(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.lastIndexOf('\n') + 1)
}
