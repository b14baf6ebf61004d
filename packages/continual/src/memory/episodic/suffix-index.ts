/** Where in a text some bytes have come before: the two latest places for each of their suffixes. */

/** Bytes of the suffixes that are looked up, the shortest first. */
export const suffixLengths = [4, 6, 8, 12, 16, 24, 32] as const

/** Bytes of an entry: a hash and two places. */
export const entryBytes = 12

/** What is known of a byte that follows some bytes. */
export interface SuffixMatch {
  /** Number of the longest suffix of `suffixLengths` that was found. */
  readonly level: number
  /** The byte that followed it when it came last. */
  readonly latest: number
  /**
   * How often in a row, up to `mostAgreements`, the byte that followed was the same as the time before; null
   * where it came once.
   */
  readonly agreements: number | null
  /** The same of the longest suffix that came more than once; null where none did. */
  readonly agreementsBelow: number | null
}

/** As far as agreements are counted. */
export const mostAgreements = 3
/** Above a place, in the same number: how often it agreed with the one before it. */
const placeBits = 30

const longest = suffixLengths[suffixLengths.length - 1]
/** Share of the slots that may be taken. */
const fullest = 0.8

/**
 * Finds suffixes in a text by their hashes. A suffix has an entry only where a shorter one has come more than
 * once: an entry with a single place stands for all longer suffixes that end there. What is found depends on
 * the places that were added and their order, and on nothing else.
 */
export class SuffixIndex {
  /**
   * For each slot the hash of a suffix and its two latest places, each plus one; 0 where there is none. With
   * the earlier place it is kept how often what followed has agreed.
   */
  readonly #entries: Uint32Array
  readonly #slots: number
  readonly #text: Uint8Array
  /** How many bytes before each byte belong to the same text, up to the longest suffix. */
  readonly #reach: Uint8Array
  #used = 0

  /**
   * @param text Whose places are added, less than 2^30 bytes. What lies before a place must not change while
   *   it is there.
   * @param bytes Room for entries, at least `entryBytes`.
   */
  constructor(text: Uint8Array, bytes: number) {
    this.#text = text
    this.#reach = new Uint8Array(text.length)
    this.#slots = Math.floor(bytes / entryBytes)
    this.#entries = new Uint32Array(3 * this.#slots)
  }

  /** Entries there are, of those that there should be at most. */
  get fullness(): number {
    return this.#used / (fullest * this.#slots)
  }

  clear(): void {
    this.#entries.fill(0)
    this.#used = 0
  }

  /**
   * Adds a byte of the text under what lies before it.
   *
   * @param goesOn Whether the byte before it, which was added, is of the same text.
   */
  add(place: number, goesOn: boolean): void {
    this.#reach[place] = goesOn ? Math.min(longest, this.#reach[place - 1] + 1) : 0
    this.#addFrom(0, place)
  }

  /** The byte that follows the longest suffix of some bytes; null where not even the shortest has come. */
  find(bytes: Uint8Array, end: number): SuffixMatch | null {
    const count = hashSuffixes(bytes, end, end)
    let found: SuffixMatch | null = null
    let below: number | null = null
    for (let level = 0; level < count; level++) {
      const slot = this.#slotOf(hashes[level])
      const latest = this.#entries[slot + 1] - 1
      if (latest < 0 || !this.#isSame(latest, bytes, end, suffixLengths[level])) break
      const before = this.#entries[slot + 2]
      if (before === 0) {
        const own = this.#longest(latest, bytes, end, level, count)
        return { level: own, latest, agreements: null, agreementsBelow: below }
      }
      below = before >>> placeBits
      found = { level, latest, agreements: below, agreementsBelow: below }
    }
    return found
  }

  #addFrom(first: number, place: number): void {
    const count = hashSuffixes(this.#text, place, this.#reach[place])
    // The hashes are overwritten where an earlier place moves down.
    const own = hashes.slice(0, count)
    for (let level = first; level < count; level++) {
      const slot = this.#slotOf(own[level])
      const latest = this.#entries[slot + 1] - 1
      // One slot stays free, or a search would have no end.
      if (latest < 0 && this.#used === this.#slots - 1) return
      this.#entries[slot + 1] = place + 1
      if (latest < 0) {
        this.#entries[slot] = own[level]
        this.#used++
        return
      }
      // Now there are two: the longer suffixes of the first one tell them apart.
      const before = this.#entries[slot + 2]
      if (before === 0) this.#addFrom(level + 1, latest)
      const isSame = this.#text[place] === this.#text[latest]
      const agreements = isSame ? Math.min(mostAgreements, (before >>> placeBits) + 1) : 0
      this.#entries[slot + 2] = ((agreements << placeBits) | (latest + 1)) >>> 0
    }
  }

  /** The slot with a hash, or the free one where it belongs. */
  #slotOf(hash: number): number {
    const entries = this.#entries
    let slot = 3 * Math.floor((hash / 2 ** 32) * this.#slots)
    while (entries[slot + 1] !== 0 && entries[slot] !== hash) {
      slot += 3
      if (slot === entries.length) slot = 0
    }
    return slot
  }

  /** The highest level, below `count`, at which what lies before a place is the same. */
  #longest(place: number, bytes: Uint8Array, end: number, level: number, count: number): number {
    let found = level
    while (found + 1 < count && this.#isSame(place, bytes, end, suffixLengths[found + 1])) found++
    return found
  }

  /** Whether `length` bytes before a place are the same as those before `end`. */
  #isSame(place: number, bytes: Uint8Array, end: number, length: number): boolean {
    if (this.#reach[place] < length) return false
    const text = this.#text
    for (let i = 1; i <= length; i++) if (text[place - i] !== bytes[end - i]) return false
    return true
  }
}

/** Hashes of the suffixes that were hashed last, the shortest first. */
const hashes = new Uint32Array(suffixLengths.length)

/**
 * Hashes the suffixes of up to `most` bytes before `end`, each going on from the one before (FNV-1a, with the
 * last steps of MurmurHash3). Returns how many they are.
 */
function hashSuffixes(bytes: Uint8Array, end: number, most: number): number {
  let hash = 0x811c9dc5
  let at = 0
  for (let level = 0; level < suffixLengths.length; level++) {
    const length = suffixLengths[level]
    if (length > most) return level
    for (; at < length; at++) hash = Math.imul(hash ^ bytes[end - 1 - at], 0x01000193)
    let mixed = hash ^ length
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    hashes[level] = (mixed ^ (mixed >>> 16)) >>> 0
  }
  return suffixLengths.length
}
