/** The latest of a series of numbers. */

/** A series of which so many numbers are kept, in single precision. */
export class Latest {
  readonly #numbers: Float32Array
  /** Numbers that came so far. */
  #count: number

  /** @param numbers Those that came last, the oldest first; at most `capacity`. */
  constructor(capacity: number, numbers: ArrayLike<number> = []) {
    this.#numbers = new Float32Array(capacity)
    this.#numbers.set(Array.from(numbers))
    this.#count = numbers.length
  }

  push(value: number): void {
    this.#numbers[this.#count++ % this.#numbers.length] = value
  }

  /** Those that are kept, the oldest first. */
  values(): Float32Array {
    const { length } = this.#numbers
    if (this.#count <= length) return this.#numbers.slice(0, this.#count)
    const at = this.#count % length
    const values = new Float32Array(length)
    values.set(this.#numbers.subarray(at))
    values.set(this.#numbers.subarray(0, at), length - at)
    return values
  }

  mean(): number {
    const kept = Math.min(this.#count, this.#numbers.length)
    return kept === 0 ? 0 : this.#numbers.subarray(0, kept).reduce((a, b) => a + b, 0) / kept
  }
}
