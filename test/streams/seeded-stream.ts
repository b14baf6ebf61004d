/** Random numbers of the tests' own, so that the library's generator is not judged by itself (Marsaglia 2003, xorshift32). */
export class SeededStream {
  #state: number

  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b1) >>> 0 || 1
    for (let i = 0; i < 20; i++) this.uniform()
  }

  /** In (0, 1). */
  uniform(): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    this.#state >>>= 0
    return this.#state / 2 ** 32
  }

  below(exclusiveMax: number): number {
    return Math.floor(this.uniform() * exclusiveMax)
  }

  gaussian(): number {
    return Math.sqrt(-2 * Math.log(this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
  }

  bernoulli(p: number): number {
    return this.uniform() < p ? 1 : 0
  }
}
