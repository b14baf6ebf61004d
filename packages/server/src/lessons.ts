/** What changes a life waits for each other: lessons, growth by hand, rollbacks. */

/** One after another, also where one fails. */
export class Lessons {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `body` when all before it are done. */
  after<R>(body: () => Promise<R>): Promise<R> {
    const own = this.#last.then(body, body)
    this.#last = own.catch(() => {})
    return own
  }

  /** Resolves when none is at hand. */
  async done(): Promise<void> {
    await this.#last
  }
}
