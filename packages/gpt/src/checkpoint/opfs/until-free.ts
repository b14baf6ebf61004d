/** What to do about a file that somebody else has open. */

/** Milliseconds between two tries. */
const pause = 20
/** Tries before it is the caller's problem: five seconds. */
const maxTries = 250

/**
 * Tries again while a file is open elsewhere: a page that was closed lets go of its files a moment after its
 * locks.
 */
export async function untilFree<R>(work: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if ((error as Error).name !== 'NoModificationAllowedError' || tries === maxTries) throw error
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}
