/** Which phrases came, in a table of a fixed size. */
import { type Check, fields } from '@burgeon/tensor'
import { count } from '../../saved-state.ts'

/** Plain data. */
export interface PhraseSetState {
  /** Bits of the phrases of late, and of those before them. */
  readonly young: Uint8Array
  readonly old: Uint8Array
  /** Bits of `young` that are set. */
  readonly used: number
}

/** Bits of a generation, a power of two, and those that a phrase sets. */
const [bits, each] = [2 ** 22, 4]
/** Bits in use with which a new generation begins: of what never came, a hundredth seems to have come. */
const full = bits / 4

const someBits: Check<Uint8Array> = {
  expected: `${bits / 8} bytes`,
  accepts: (value): value is Uint8Array => value instanceof Uint8Array && value.length === bits / 8,
}

/** A saved table. */
export const savedSet: Check<PhraseSetState> = fields<PhraseSetState>('a set of phrases', {
  young: someBits,
  old: someBits,
  used: count,
})

/**
 * A Bloom filter (Bloom 1970) of four bits for each phrase, in two generations: where a quarter of the bits
 * of one are set, it becomes the old one, and what was old is forgotten. It knows the latest 300,000 phrases.
 */
export class PhraseSet {
  #young: Uint8Array = new Uint8Array(bits / 8)
  #old: Uint8Array = new Uint8Array(bits / 8)
  #used = 0

  /** Whether a phrase of this hash came. */
  has(hash: number): boolean {
    return isIn(this.#young, hash) || isIn(this.#old, hash)
  }

  add(hash: number): void {
    for (let i = 0; i < each; i++) {
      const at = placeOf(hash, i)
      const bit = 1 << (at & 7)
      if ((this.#young[at >>> 3] & bit) !== 0) continue
      this.#young[at >>> 3] |= bit
      this.#used++
    }
    if (this.#used < full) return
    ;[this.#old, this.#young] = [this.#young, new Uint8Array(bits / 8)]
    this.#used = 0
  }

  toState(): PhraseSetState {
    return { young: this.#young, old: this.#old, used: this.#used }
  }

  /** Takes a state that has been checked. */
  restore({ young, old, used }: PhraseSetState): void {
    this.#young = young.slice()
    this.#old = old.slice()
    this.#used = used
  }
}

function isIn(table: Uint8Array, hash: number): boolean {
  for (let i = 0; i < each; i++) {
    const at = placeOf(hash, i)
    if ((table[at >>> 3] & (1 << (at & 7))) === 0) return false
  }
  return true
}

/** Double hashing (Kirsch and Mitzenmacher 2006). */
const placeOf = (hash: number, i: number): number =>
  (hash + Math.imul(i, Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) | 1)) & (bits - 1)
