/** Numbers of what is around a pixel, the fewest pixels first: one for each order. */
export type Neighborhood = (pixels: Uint8Array, i: number) => readonly number[]

/** Of a picture: the pixel to the left, and that with the one above. */
export const leftAndAbove =
  (width: number): Neighborhood =>
  (pixels, i) => {
    const left = i % width > 0 ? pixels[i - 1] : 0
    const above = i >= width ? pixels[i - width] : 0
    return [left, 256 * left + above]
  }

/**
 * Pixels predicted by those around them, counted: p(x | left, above), where it has seen few of them that of the
 * left one alone, and where few of those of all pixels. Each order adds the one below as if it had been seen
 * so often (MacKay and Peto 1995, a hierarchy of Dirichlet priors).
 */
export class NeighborhoodModel {
  readonly #weight: number
  readonly #around: Neighborhood
  readonly #counts: Map<number, Float64Array>[] = []
  readonly #all = new Float64Array(257)

  /**
   * @param weight How often the lower order counts as seen.
   * @param around Orders above that of all pixels.
   */
  constructor(weight: number, around: Neighborhood) {
    this.#weight = weight
    this.#around = around
  }

  /**
   * The bits of pixels before they are counted.
   *
   * @param from The first one whose bits are wanted.
   */
  bits(pixels: Uint8Array, counts: boolean, from = 0): number {
    let bits = 0
    for (let i = 0; i < pixels.length; i++) {
      const around = this.#around(pixels, i)
      if (i >= from) bits -= Math.log2(this.#probability(around, pixels[i]))
      if (counts) this.#count(around, pixels[i])
    }
    return bits
  }

  #probability(around: readonly number[], pixel: number): number {
    let below = (this.#all[pixel] + this.#weight / 256) / (this.#all[256] + this.#weight)
    for (const [order, key] of around.entries()) {
      const table = this.#counts[order]?.get(key)
      if (table) below = (table[pixel] + this.#weight * below) / (table[256] + this.#weight)
    }
    return below
  }

  /** The last place of a table holds the sum of its others. */
  #count(around: readonly number[], pixel: number): void {
    const add = (table: Float64Array): void => {
      table[pixel]++
      table[256]++
    }
    add(this.#all)
    for (const [order, key] of around.entries()) {
      this.#counts[order] ??= new Map()
      const known = this.#counts[order].get(key)
      const table = known ?? new Float64Array(257)
      if (known === undefined) this.#counts[order].set(key, table)
      add(table)
    }
  }
}
