/** Usefulness: of what cost so much when it was read, how much has been of use since. */
import { type Check, checks } from '@burgeon/tensor'

/** Losses are told apart to half a bit, up to 16 bits a byte. */
const bins = 32

/** Counts of all bins: what was read, and then what came to be of use. */
export const savedUsefulness: Check<Float64Array> = {
  expected: `${2 * bins} counts`,
  accepts: (value): value is Float64Array =>
    value instanceof Float64Array &&
    value.length === 2 * bins &&
    value.every((one) => checks.count.accepts(one)),
}

/** Counts episodes by their loss in bits per byte. */
export class Usefulness {
  readonly #counts: Float64Array

  constructor(counts: Float64Array = new Float64Array(2 * bins)) {
    this.#counts = counts
  }

  /** One was read. */
  noteRead(loss: number): void {
    this.#counts[binOf(loss)]++
  }

  /** One came to be of use. */
  noteUse(loss: number): void {
    this.#counts[bins + binOf(loss)]++
  }

  /** Share of those that cost as much that came to be of use, as if one more had been by half. */
  chanceOf(loss: number): number {
    const bin = binOf(loss)
    return Math.min(1, (this.#counts[bins + bin] + 0.5) / (this.#counts[bin] + 1))
  }

  toState(): Float64Array {
    return this.#counts.slice()
  }
}

const binOf = (loss: number): number => Math.min(bins - 1, Math.floor(2 * loss))
