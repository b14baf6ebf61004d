/** Episodes: stretches of text one after another in one buffer, with an index of their suffixes. */
import type { Origin } from '../../stream/origin.ts'
import type { EpisodeFacts } from './retention.ts'
import { entryBytes, SuffixIndex, type SuffixMatch } from './suffix-index.ts'

/** A stretch of text. What it was good for is counted here. */
export interface Episode {
  /** Its first byte in the buffer. */
  from: number
  readonly length: number
  /** Whether what lies before it in the buffer came before it when it was read. */
  goesOn: boolean
  readonly domain: string
  readonly origin: Origin | null
  readonly loss: number
  count: number
  uses: number
  gain: number
  /** Bytes read when it was last of use, or was read. */
  needed: number
  /** Whether the same was read again: it goes when room is made. */
  isPast: boolean
}

/** Longest episode, in bytes. */
export const longestEpisode = 256
/** Least room, in bytes, in which the longest episode and its entries can be kept. */
export const leastBytes: number = 2 ** 18

/** Bytes of room for each byte of text: three, its entries, and its part of what is known of an episode. */
const bytesPerByte = 40
const entriesPerByte = 2.25
/** Of an episode that is shorter, more is known than there is room for. */
const meanLength = 32
/** Share of the room that is left when room was made. */
const kept = 7 / 8
/** Part of what is left that was read last, and stays: nothing can be of use before it is asked for. */
const justRead = 1 / 16

/** Holds episodes within so many bytes; the least worthy ones go when there is no room. */
export class Episodes {
  readonly #text: Uint8Array
  /** Of each byte of the text, as `keptBits` keeps it. */
  readonly #surprise: Uint8Array
  readonly #index: SuffixIndex
  readonly #worth: (episode: Episode) => number
  #all: Episode[] = []
  /** The latest episode with a digest of its bytes and source. */
  #byDigest = new Map<number, Episode>()
  #used = 0

  /** @param worth What an episode is worth now; of equals the earlier one goes first. */
  constructor(bytes: number, worth: (episode: Episode) => number) {
    this.#text = new Uint8Array(Math.floor(bytes / bytesPerByte))
    this.#surprise = new Uint8Array(this.#text.length)
    this.#index = new SuffixIndex(this.#text, this.#text.length * entriesPerByte * entryBytes)
    this.#worth = worth
  }

  /** In the order in which they were read last. */
  get all(): readonly Episode[] {
    return this.#all
  }

  /** Bytes of text. */
  get bytes(): number {
    return this.#used
  }

  get text(): Uint8Array {
    return this.#text
  }

  /** What each byte of the text had cost when it was read, as `keptBits` keeps it. */
  get surprise(): Uint8Array {
    return this.#surprise
  }

  find(bytes: Uint8Array, end: number): SuffixMatch | null {
    return this.#index.find(bytes, end)
  }

  /**
   * The episode of a byte of the buffer, and what was read from there on, up to so many bytes. Shares the
   * buffer.
   */
  from(place: number, most: number): { readonly episode: Episode; readonly bytes: Uint8Array } {
    let [low, high] = [0, this.#all.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#all[middle].from <= place) low = middle
      else high = middle - 1
    }
    let last = low
    while (this.#endOf(last) < place + most && this.#all.at(last + 1)?.goesOn) last++
    const end = Math.min(this.#endOf(last), place + most)
    return { episode: this.#all[low], bytes: this.#text.subarray(place, end) }
  }

  /**
   * Adds an episode, at most `longestEpisode` bytes. Where the same is there from the same source, that one
   * goes, and this one has its record.
   *
   * @param surprise Of each byte.
   */
  add(bytes: Uint8Array, surprise: Uint8Array, given: Omit<Episode, 'from' | 'length'>): void {
    const { length } = bytes
    const hasMoved = this.#makeRoom(length)
    const from = this.#used
    const digest = digestOf(bytes, given.origin)
    const same = this.#byDigest.get(digest)
    const isSame = same !== undefined && !same.isPast && this.#holds(same, bytes, given.origin)
    const { count, uses, gain } = isSame ? { ...same, count: same.count + given.count } : given
    if (isSame) same.isPast = true
    // What came before it may have gone.
    const goesOn = given.goesOn && !hasMoved
    const episode = { ...given, from, length, goesOn, count, uses, gain }
    this.#text.set(bytes, from)
    this.#surprise.set(surprise, from)
    this.#put(episode, digest)
  }

  /**
   * Lets go of those that were read again, and of the least worthy until a part of the room is free. Returns
   * how many they were; null where there are none.
   */
  tidy(): { readonly merged: number; readonly evicted: number } | null {
    const { length } = this.#all
    const merged = this.#all.filter(({ isPast }) => isPast).length
    if (merged === 0 && this.#fullness <= kept) return null
    this.#makeLess()
    return { merged, evicted: length - merged - this.#all.length }
  }

  /** Lets go of all that is of some origins; returns how many bytes it was. */
  forget(isMeant: (origin: Origin) => boolean): number {
    const before = this.#used
    const left = this.#all.filter(({ origin }) => origin === null || !isMeant(origin))
    if (left.length < this.#all.length) this.#keep(left)
    return before - this.#used
  }

  /** Puts others in the place of all there are; their texts follow each other. */
  reset(text: Uint8Array, surprise: Uint8Array, episodes: readonly Episode[]): void {
    for (const [own, given] of [
      [this.#text, text],
      [this.#surprise, surprise],
    ]) {
      own.fill(0)
      own.set(given)
    }
    this.#all = []
    this.#keep(episodes)
  }

  /** Whether texts of these lengths could be here. */
  fits(lengths: ArrayLike<number>): boolean {
    const total = Array.from(lengths).reduce((sum, length) => sum + length, 0)
    return total <= this.#text.length && lengths.length <= this.#most
  }

  get #most(): number {
    return Math.floor(this.#text.length / meanLength)
  }

  #endOf(at: number): number {
    return this.#all[at].from + this.#all[at].length
  }

  #put(episode: Episode, digest: number): void {
    const { from, length, goesOn } = episode
    this.#used = from + length
    this.#all.push(episode)
    this.#byDigest.set(digest, episode)
    for (let place = from; place < from + length; place++) this.#index.add(place, place > from || goesOn)
  }

  /** How full it is, by what there is least room for. */
  get #fullness(): number {
    const { length } = this.#text
    return Math.max(this.#used / length, this.#all.length / this.#most, this.#index.fullness)
  }

  /** Returns whether what was there has been moved. */
  #makeRoom(length: number): boolean {
    const isOver = this.#used + length > this.#text.length || this.#all.length === this.#most
    if (!isOver && this.#index.fullness < 1) return false
    this.#makeLess()
    return true
  }

  #makeLess(): void {
    this.#keep(this.#all.filter(({ isPast }) => !isPast))
    for (let share = kept; this.#fullness > kept; share *= kept) this.#keep(this.#worthiest(share))
  }

  /** Those of most worth and those just read, in order: so many that they take a share of the room. */
  #worthiest(share: number): Episode[] {
    const old = this.#all.filter(({ from }) => from < this.#used - justRead * share * this.#text.length)
    const ranked = old.map((episode, i) => ({ i, worth: this.#worth(episode), length: episode.length }))
    ranked.sort((a, b) => a.worth - b.worth || a.i - b.i)
    let over = this.#used * (1 - share / this.#fullness)
    const gone = new Set<number>()
    for (const { i, length } of ranked) {
      if (over <= 0) break
      gone.add(i)
      over -= length
    }
    return this.#all.filter((_, i) => !gone.has(i))
  }

  /** Moves some of the episodes, in order, to the front of the buffer, and makes the index anew. */
  #keep(left: readonly Episode[]): void {
    const [text, surprise, had] = [this.#text, this.#surprise, this.#used]
    let end = -1
    this.#all = []
    this.#byDigest = new Map()
    this.#index.clear()
    this.#used = 0
    for (const episode of left) {
      const { from, length } = episode
      episode.goesOn &&= end === from
      end = from + length
      for (const own of [text, surprise]) own.copyWithin(this.#used, from, end)
      episode.from = this.#used
      this.#put(episode, digestOf(text.subarray(episode.from, episode.from + length), episode.origin))
    }
    // Nothing of what went stays behind.
    for (const own of [text, surprise]) own.fill(0, this.#used, Math.max(had, this.#used))
  }

  #holds(episode: Episode, bytes: Uint8Array, origin: Origin | null): boolean {
    const { from, length } = episode
    if (length !== bytes.length || episode.origin?.source !== origin?.source) return false
    for (let i = 0; i < length; i++) if (this.#text[from + i] !== bytes[i]) return false
    return true
  }
}

/** What decides on its worth. */
export const factsOf = (
  { length, domain, origin, loss, count, uses, gain, needed }: Episode,
  now: number,
  chance: number,
): EpisodeFacts => ({
  ...{ length, domain, origin, loss, count, uses, gain, chance },
  idle: now - needed,
})

/** FNV-1a. */
function digestOf(bytes: Uint8Array, origin: Origin | null): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193)
  const source = origin?.source ?? ''
  for (let i = 0; i < source.length; i++) hash = Math.imul(hash ^ source.charCodeAt(i), 0x01000193)
  return hash
}
