/** Runs pieces of asynchronous work one after another, first come, first served; one that fails does not hold up the next. */
export type OneAtATime = <R>(work: () => Promise<R>) => Promise<R>

export function oneAtATime(): OneAtATime {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
}
