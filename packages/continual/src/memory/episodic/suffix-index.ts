/** Where in a text some bytes have come before: the two latest places for each of their suffixes. */

/** Bytes of the suffixes that are looked up, the shortest first. */
export const suffixLengths = [4, 6, 8, 12, 16, 24, 32] as const

/** Bytes of an entry: a hash and two places. */
export const entryBytes = 12

/** What is known of a byte that follows some bytes. */
export interface SuffixMatch {
  /** Where the longest suffix of `suffixLengths` that was found came last: the place of what followed it. */
  readonly latest: number
  /** Bytes before it that are the same here and there, up to the longest suffix. */
  readonly matched: number
}

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
   * For each slot the hash of a suffix and its two latest places, each plus one; 0 where there is none.
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
    let found = -1
    for (let level = 0; level < count; level++) {
      const slot = this.#slotOf(hashes[level])
      const latest = this.#entries[slot + 1] - 1
      if (latest < 0 || !this.#isSame(latest, bytes, end, suffixLengths[level])) break
      found = latest
      // An entry with a single place stands for longer suffixes, too.
      if (this.#entries[slot + 2] === 0) break
    }
    return found < 0 ? null : { latest: found, matched: this.#sameBytes(found, bytes, end) }
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
      this.#entries[slot + 2] = latest + 1
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

  /** How many bytes before a place are the same as those before `end`, up to the longest suffix. */
  #sameBytes(place: number, bytes: Uint8Array, end: number): number {
    const most = Math.min(this.#reach[place], end)
    const text = this.#text
    let same = 0
    while (same < most && text[place - 1 - same] === bytes[end - 1 - same]) same++
    return same
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
