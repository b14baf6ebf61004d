/** Waits for what somebody may give up. */
import { TransportError } from '../errors.ts'

/** The same as a promise, but for a TransportError if one of the signals is aborted before. */
export function unlessAborted<T>(
  promise: Promise<T>,
  signals: readonly (readonly [signal: AbortSignal | undefined, message: string])[],
): Promise<T> {
  const settled = new AbortController()
  return new Promise<T>((resolve, reject) => {
    promise.then(resolve, reject)
    for (const [signal, message] of signals) {
      const end = (): void => reject(new TransportError(message))
      if (signal?.aborted) end()
      else signal?.addEventListener('abort', end, { signal: settled.signal })
    }
  }).finally(() => settled.abort())
}
