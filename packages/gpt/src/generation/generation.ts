/** A generation: what it writes, piece by piece or as a whole. */
import type { GeneratedToken } from './generation-row.ts'

/**
 * A text that is being written. `for await` takes it piece by piece as it comes, and the next piece is made
 * when it is asked for; `await` waits for the whole of it. Both may be used, one after the other: every piece
 * comes once, and the whole is the whole. Nothing is computed before one of them asks. Whoever leaves a loop
 * early ends the generation.
 */
export class Generation<Piece, Whole>
  implements AsyncIterableIterator<Piece, void, void>, PromiseLike<Whole>
{
  readonly #steps: AsyncGenerator<GeneratedToken, void, void>
  readonly #pieceOf: (step: GeneratedToken) => Piece | undefined
  readonly #whole: () => Whole
  #settled: Promise<Whole> | undefined

  /** Use `generate`. */
  constructor(
    steps: AsyncGenerator<GeneratedToken, void, void>,
    pieceOf: (step: GeneratedToken) => Piece | undefined,
    whole: () => Whole,
  ) {
    this.#steps = steps
    this.#pieceOf = pieceOf
    this.#whole = whole
  }

  /** The next piece. */
  async next(): Promise<IteratorResult<Piece, void>> {
    for (;;) {
      const { value, done } = await this.#steps.next()
      if (done || value === undefined) return { value: undefined, done: true }
      const piece = this.#pieceOf(value)
      if (piece !== undefined) return { value: piece, done: false }
    }
  }

  /** Ends it early, and frees what it holds. */
  async return(): Promise<IteratorResult<Piece, void>> {
    await this.#steps.return()
    return { value: undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Every token with all that is known of it, in place of the pieces. */
  steps(): AsyncGenerator<GeneratedToken, void, void> {
    return this.#steps
  }

  /** What `await` calls. */
  // oxlint-disable-next-line unicorn/no-thenable
  then<A = Whole, B = never>(
    onWhole?: ((whole: Whole) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#settled ??= this.#finish()
    return this.#settled.then(onWhole, onError)
  }

  async #finish(): Promise<Whole> {
    for await (const _step of this.#steps);
    return this.#whole()
  }
}
