/** How often phrases came, in a table of a fixed size. */
import { type Check, fields } from '@burgeon/tensor'
import { count } from '../../saved-state.ts'

/** Plain data. */
export interface PhraseCountsState {
  /** Counters of the phrases of late, and of those before them. */
  readonly young: Uint8Array
  readonly old: Uint8Array
  /** Counters of `young` that are not 0. */
  readonly used: number
}

/** Counters of a generation, a power of two. */
const size = 2 ** 19
/** Counters in use with which a new generation begins. */
const full = size / 2
const highest = 255

const counters: Check<Uint8Array> = {
  expected: `${size} bytes`,
  accepts: (value): value is Uint8Array => value instanceof Uint8Array && value.length === size,
}

/** A saved table. */
export const savedCounts: Check<PhraseCountsState> = fields<PhraseCountsState>('counts of phrases', {
  young: counters,
  old: counters,
  used: count,
})

/**
 * A count-min sketch of two rows (Cormode and Muthukrishnan 2005) in one table, with counters up to 255, in
 * two generations: where half of the counters of one are in use, it becomes the old one, and what was old is
 * forgotten. It never counts too few of the latest quarter of a million phrases; too many where two of them
 * share both counters.
 */
export class PhraseCounts {
  #young: Uint8Array = new Uint8Array(size)
  #old: Uint8Array = new Uint8Array(size)
  #used = 0

  /** How often a phrase of this hash came, at most 255 in each generation. */
  count(hash: number): number {
    return countIn(this.#young, hash) + countIn(this.#old, hash)
  }

  /** Counts a phrase; returns how often it has come, this time included. */
  add(hash: number): number {
    // Conservative update (Estan and Varghese 2002): a counter that is higher belongs to others.
    const next = Math.min(highest, countIn(this.#young, hash) + 1)
    for (const at of placesOf(hash)) {
      const before = this.#young[at]
      if (before >= next) continue
      if (before === 0) this.#used++
      this.#young[at] = next
    }
    const total = next + countIn(this.#old, hash)
    if (this.#used >= full) {
      ;[this.#old, this.#young] = [this.#young, new Uint8Array(size)]
      this.#used = 0
    }
    return total
  }

  toState(): PhraseCountsState {
    return { young: this.#young, old: this.#old, used: this.#used }
  }

  /** Takes a state that has been checked. */
  restore({ young, old, used }: PhraseCountsState): void {
    this.#young = young.slice()
    this.#old = old.slice()
    this.#used = used
  }
}

const placesOf = (hash: number): readonly [number, number] => [
  hash & (size - 1),
  Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 13,
]

function countIn(table: Uint8Array, hash: number): number {
  const [a, b] = placesOf(hash)
  return Math.min(table[a], table[b])
}
