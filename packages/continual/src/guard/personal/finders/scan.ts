/** A text that is being looked through, and what was found so far. */

/** What kind of personal data a place in a text is. */
export type PersonalCategory =
  | 'address'
  | 'card'
  | 'email'
  | 'iban'
  | 'ip'
  | 'jwt'
  | 'key'
  | 'mac'
  | 'national-id'
  | 'password'
  | 'phone'
  | 'private-key'

/** A place that may be personal data; `null` where it is known to be something else. */
export interface Candidate {
  /** First UTF-16 unit of it. */
  readonly from: number
  /** The unit behind the last. */
  readonly to: number
  readonly category: PersonalCategory | null
}

/** Looks for one kind of thing in a whole text. */
export type Finder = (scan: Scan) => void

/** Kinds of characters, as bits. */
export const kinds = {
  digit: 1,
  upper: 2,
  lower: 4,
  hex: 8,
  /** What the local part of an e-mail address may have without quotes (RFC 5321, "atext", and the dot). */
  local: 16,
  /** What keys and tokens are made of. */
  token: 32,
  blank: 64,
} as const

const table = new Uint8Array(128)
const mark = (characters: string, kind: number): void => {
  for (const one of characters) table[one.charCodeAt(0)] |= kind
}
const [digits, lower] = ['0123456789', 'abcdefghijklmnopqrstuvwxyz']
const upper = lower.toUpperCase()
mark(digits, kinds.digit)
mark(upper, kinds.upper)
mark(lower, kinds.lower)
mark(`${digits}abcdefABCDEF`, kinds.hex)
mark(`${digits}${lower}${upper}.!#$%&'*+/=?^_\`{|}~-`, kinds.local)
mark(`${digits}${lower}${upper}_-+/=.`, kinds.token)
mark(' \t\n\r', kinds.blank)

/**
 * A text, read character by character; every look is counted, so that a test can hold the cost to the length.
 */
export class Scan {
  readonly text: string
  readonly length: number
  readonly found: Candidate[] = []
  /** Characters looked at. */
  steps = 0

  constructor(text: string) {
    this.text = text
    this.length = text.length
  }

  /** The UTF-16 unit at a place; 0 outside the text. */
  code(at: number): number {
    this.steps++
    return at >= 0 && at < this.length ? this.text.charCodeAt(at) : 0
  }

  /** Whether the character at a place is of one of some kinds; what is no ASCII is of none. */
  is(at: number, kind: number): boolean {
    const code = this.code(at)
    return code < 128 && (table[code] & kind) !== 0
  }

  /**
   * Whether a letter, digit or underscore stands at a place. Letters of scripts without blanks do not count.
   */
  isWord(at: number): boolean {
    const code = this.code(at)
    if (code < 128) return (table[code] & (kinds.digit | kinds.upper | kinds.lower)) !== 0 || code === 95
    return (code >= 0xc0 && code <= 0x24f) || (code >= 0x370 && code <= 0x52f)
  }

  /** Whether a word may begin at a place. */
  isEdge(at: number): boolean {
    return !this.isWord(at - 1)
  }

  /** Where a run of some kinds that begins at a place ends, after `most` characters at the latest. */
  runTo(at: number, kind: number, most: number = Infinity): number {
    let to = at
    while (to - at < most && this.is(to, kind)) to++
    return to
  }

  /** Whether a text stands at a place; of letters either case, if `folded`, which wants it in lower case. */
  has(text: string, at: number, folded = false): boolean {
    for (let i = 0; i < text.length; i++) {
      const code = this.code(at + i)
      const own = folded && code >= 65 && code <= 90 ? code + 32 : code
      if (own !== text.charCodeAt(i)) return false
    }
    return true
  }

  /** A piece of the text. */
  slice(from: number, to: number): string {
    this.steps += Math.max(0, to - from)
    return this.text.slice(Math.max(0, from), to)
  }

  /** Up to so many characters before a place, in lower case. */
  before(at: number, most: number): string {
    return this.slice(Math.max(0, at - most), at).toLowerCase()
  }

  add(category: PersonalCategory | null, from: number, to: number): void {
    this.found.push({ from, to, category })
  }
}

/**
 * Where a shape that begins at a place ends; −1 if it does not stand there. In a shape `d` is a digit, `A` a
 * capital letter, `a` any letter, `x` a hexadecimal digit, `_` a blank or nothing; all else is itself.
 */
export function shapeAt(scan: Scan, shape: string, at: number): number {
  let place = at
  for (const one of shape) {
    if (one === '_') {
      if (isGap(scan.code(place))) place++
      continue
    }
    const kind = shapeKinds[one]
    if (kind === undefined ? !isSame(scan.code(place), one) : !scan.is(place, kind)) return -1
    place++
  }
  return place
}

const letters = kinds.upper | kinds.lower
const shapeKinds: Readonly<Record<string, number | undefined>> = {
  d: kinds.digit,
  A: kinds.upper,
  a: letters,
  x: kinds.hex,
}

const isSame = (code: number, one: string): boolean =>
  code === one.charCodeAt(0) || (one === '-' && isHyphen(code)) || (one === ' ' && isGap(code))

/** A blank within a line, also one that does not break. */
export const isGap = (code: number): boolean =>
  code === 32 || code === 9 || code === 0xa0 || code === 0x202f || code === 0x2009

/** A hyphen, also one that does not break, or a dash. */
export const isHyphen = (code: number): boolean => code === 45 || (code >= 0x2010 && code <= 0x2013)
