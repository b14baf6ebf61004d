/** Waits for what may never come. */

/**
 * The value of a promise; null as soon as one of the signals is raised. Nothing stays with the signals
 * afterwards, however often it is called.
 */
export function orStopped<T>(
  promise: Promise<T>,
  signals: readonly (AbortSignal | undefined)[],
): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const leave = (): void => signals.forEach((signal) => signal?.removeEventListener('abort', stop))
    const stop = (): void => {
      leave()
      resolve(null)
    }
    for (const signal of signals) signal?.addEventListener('abort', stop)
    promise.finally(leave).then(resolve, reject)
    if (signals.some((signal) => signal?.aborted)) stop()
  })
}
