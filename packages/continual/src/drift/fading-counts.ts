/** Counts of bytes that fade: how often each was read of late. */

/** Plain data; survives JSON. */
export interface FadingCountsState {
  readonly counts: readonly number[]
  /** Sum of the counts as it was added up: another order of addition would round otherwise. */
  readonly total: number
  readonly weight: number
}

/** A weight far below the largest double, and far above 1, at which all weights are divided by it. */
const largestWeight = 2 ** 100

/**
 * Exponentially weighted counts of the 256 bytes. Newer bytes weigh more instead of older ones less, so that
 * a byte costs one addition; weights are made small again before they overflow.
 */
export class FadingCounts {
  readonly #growth: number
  #counts: Float64Array = new Float64Array(256)
  #total = 0
  #weight = 1

  /** @param halfLife Bytes after which a byte counts half, > 0. */
  constructor(halfLife: number) {
    this.#growth = 2 ** (1 / halfLife)
  }

  /**
   * Probability that the next byte is `byte`, mixed with a prior: (count + strength · prior) / (total +
   * strength).
   *
   * @param strength Bytes that the prior counts for, > 0.
   */
  probability(byte: number, prior: number, strength: number): number {
    const scaled = strength * this.#weight
    return (this.#counts[byte] + scaled * prior) / (this.#total + scaled)
  }

  add(byte: number): void {
    this.#weight *= this.#growth
    this.#counts[byte] += this.#weight
    this.#total += this.#weight
    if (this.#weight > largestWeight) this.#shrink()
  }

  reset(): void {
    this.#counts.fill(0)
    this.#total = 0
    this.#weight = 1
  }

  toState(): FadingCountsState {
    return { counts: [...this.#counts], total: this.#total, weight: this.#weight }
  }

  /** @param state 256 counts ≥ 0, their sum, and a weight > 0, checked by the caller. */
  restore({ counts, total, weight }: FadingCountsState): void {
    this.#counts = Float64Array.from(counts)
    this.#total = total
    this.#weight = weight
  }

  #shrink(): void {
    this.#counts = this.#counts.map((count) => count / this.#weight)
    this.#total /= this.#weight
    this.#weight = 1
  }
}
