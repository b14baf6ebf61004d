/**
 * The merges of a vocabulary by their pair, in two typed arrays: several times faster than a map of
 * numbers.
 */

/** Ranks by pair of tokens. A rank is the place of a merge in the order in which merges were made. */
export class PairTable {
  #pairs: Int32Array
  #ranks: Int32Array
  #count = 0
  #mask: number

  constructor(room: number = 0) {
    const size = sizeFor(room)
    this.#mask = size - 1
    this.#pairs = new Int32Array(2 * size)
    this.#ranks = new Int32Array(size).fill(-1)
  }

  /** The rank of a pair, or −1 if it has no merge. */
  get(left: number, right: number): number {
    const rank = this.#ranks[this.#placeOf(left, right)]
    return rank
  }

  /** Takes the place of an earlier rank of the same pair. */
  set(left: number, right: number, rank: number): void {
    if (2 * (this.#count + 1) > this.#ranks.length) this.#widen()
    const place = this.#placeOf(left, right)
    if (this.#ranks[place] < 0) this.#count++
    this.#pairs[2 * place] = left
    this.#pairs[2 * place + 1] = right
    this.#ranks[place] = rank
  }

  /** Where a pair is, or the free place where it would be. */
  #placeOf(left: number, right: number): number {
    // Fibonacci hashing: the multipliers are odd and near 2³² over the golden ratio.
    const mixed = Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b)
    let place = (mixed ^ (mixed >>> 15)) & this.#mask
    while (
      this.#ranks[place] >= 0 &&
      (this.#pairs[2 * place] !== left || this.#pairs[2 * place + 1] !== right)
    ) {
      place = (place + 1) & this.#mask
    }
    return place
  }

  #widen(): void {
    const [pairs, ranks] = [this.#pairs, this.#ranks]
    this.#mask = 2 * ranks.length - 1
    this.#pairs = new Int32Array(2 * pairs.length)
    this.#ranks = new Int32Array(2 * ranks.length).fill(-1)
    this.#count = 0
    ranks.forEach((rank, i) => {
      if (rank >= 0) this.set(pairs[2 * i], pairs[2 * i + 1], rank)
    })
  }
}

/** A power of two that stays at most half full. */
function sizeFor(room: number): number {
  let size = 16
  while (size < 2 * (room + 1)) size *= 2
  return size
}
