/**
 * Pixels predicted by those beside them, counted: p(x | left, above), where it has seen few of them that of the
 * left one alone, and where few of those of all pixels. Each order adds the one below as if it had been seen
 * so often (MacKay and Peto 1995, a hierarchy of Dirichlet priors).
 */
export class NeighborhoodModel {
  readonly #weight: number
  readonly #counts = [new Map<number, Float64Array>(), new Map<number, Float64Array>()]
  readonly #all = new Float64Array(257)

  /** @param weight How often the lower order counts as seen. */
  constructor(weight: number) {
    this.#weight = weight
  }

  /** The bits of a picture before it is counted. */
  bits(pixels: Uint8Array, width: number, counts: boolean): number {
    let bits = 0
    for (let i = 0; i < pixels.length; i++) {
      const left = i % width > 0 ? pixels[i - 1] : 0
      const above = i >= width ? pixels[i - width] : 0
      bits -= Math.log2(this.#probability(left, above, pixels[i]))
      if (counts) this.#count(left, above, pixels[i])
    }
    return bits
  }

  #tables(left: number, above: number): (Float64Array | undefined)[] {
    return [this.#all, this.#counts[0].get(left), this.#counts[1].get(256 * left + above)]
  }

  #probability(left: number, above: number, pixel: number): number {
    return this.#tables(left, above).reduce(
      (below, table) => (table ? (table[pixel] + this.#weight * below) / (table[256] + this.#weight) : below),
      1 / 256,
    )
  }

  /** The last place of a table holds the sum of its others. */
  #count(left: number, above: number, pixel: number): void {
    for (const [i, key] of [left, 256 * left + above].entries())
      if (!this.#counts[i].has(key)) this.#counts[i].set(key, new Float64Array(257))
    for (const table of this.#tables(left, above)) {
      if (table === undefined) continue
      table[pixel]++
      table[256]++
    }
  }
}
