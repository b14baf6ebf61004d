/** What changes a life waits for each other: lessons, growth by hand, rollbacks. */

/** One after another, also where one fails. */
export class Lessons {
  #last: Promise<unknown> = Promise.resolve()
  #ended = 0

  /** How many have ended so far, however. */
  get ended(): number {
    return this.#ended
  }

  /** Runs `body` when all before it are done. */
  after<R>(body: () => Promise<R>): Promise<R> {
    const counted = async (): Promise<R> => {
      try {
        return await body()
      } finally {
        this.#ended++
      }
    }
    const own = this.#last.then(counted, counted)
    this.#last = own.catch(() => {})
    return own
  }

  /** Resolves when none is at hand. */
  async done(): Promise<void> {
    await this.#last
  }
}
