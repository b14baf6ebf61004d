/**
 * Kinds of a match: how far it is to be believed that what followed some bytes once follows them now. Not the
 * length of a match tells that, but what its bytes say: " was built by " has been read so often that it is no
 * sign of one passage, and names after it differ.
 */

/** What a match is told by. */
export interface MatchSigns {
  /** Bytes in a row up to here, ≥ 0, that the same passage foretold and that came. */
  readonly foretold: number
  /** What the byte that followed had cost when it was read, in bits. */
  readonly surprise: number
  /** What the bytes that are the same here and there had cost when they were read, in bits per byte. */
  readonly information: number
}

/** Bytes in a row from which on a passage is followed ever more surely. */
const followed = [1, 4, 12]
/** Beyond this many bytes in a row nothing changes. */
export const mostForetold: number = followed[followed.length - 1]
const surprising = [0.5, 1.5, 3, 5]
const informative = [1, 2]

const sizes = [followed, surprising, informative].map(({ length }) => length + 1)

/** Number of kinds. */
export const matchKinds: number = sizes.reduce((product, size) => product * size, 1)

/** The kind of a match, from 0. */
export function matchKind({ foretold, surprise, information }: MatchSigns): number {
  const place = (bounds: readonly number[], value: number): number =>
    bounds.filter((bound) => value >= bound).length
  const [, bySurprise, byInformation] = sizes
  return (
    (place(followed, foretold) * bySurprise + place(surprising, surprise)) * byInformation +
    place(informative, information)
  )
}

/** Sixteenths of a bit, in a byte: as the surprise of what was read is kept. */
const perBit = 16

/** What is kept of a number of bits, ≥ 0: up to 15.9, to a sixteenth. */
export const keptBits = (bits: number): number => Math.min(255, Math.round(perBit * bits))

/** The bits that a kept number stands for. */
export const bitsKept = (kept: number): number => kept / perBit
