/** Keeps calls that must not overlap apart. */
import { OptionError } from '@burgeon/tensor'

/**
 * Runs pieces of asynchronous work one after another, first come, first served; one that fails does not hold
 * up the next.
 */
export type OneAtATime = <R>(work: () => Promise<R>) => Promise<R>

export function oneAtATime(): OneAtATime {
  let last: Promise<unknown> | null = null
  return (work) => {
    // Work that need not wait begins at once, so that what it takes hold of is held when the call returns.
    const result = last === null ? work() : last.then(work)
    const done: Promise<void> = result.then(
      () => clear(),
      () => clear(),
    )
    const clear = (): void => {
      if (last === done) last = null
    }
    last = done
    return result
  }
}

/**
 * Runs a task, and refuses another before the first is done.
 *
 * @param what Name of the call, for the message.
 * @throws OptionError for a call before the last one was done.
 */
export function neverTwice(what: string): <T>(task: () => Promise<T>) => Promise<T> {
  let isBusy = false
  return async (task) => {
    if (isBusy) throw new OptionError(`${what} was called before the last one was done; await it first.`)
    isBusy = true
    try {
      return await task()
    } finally {
      isBusy = false
    }
  }
}
