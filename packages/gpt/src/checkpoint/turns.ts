/** Lets asynchronous pieces of work take turns within one process. */

/** Resolves when it is the caller's turn, with the function that ends it. */
export type Turns = () => Promise<() => void>

/** A queue of turns, first come, first served. */
export function turns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  return async () => {
    const before = last
    let end = (): void => {}
    last = new Promise<void>((resolve) => {
      end = resolve
    })
    await before
    return end
  }
}
