/** Keeps a life safe while its source has nothing to say. */
import { within } from './within.ts'

/**
 * Hands chunks on; whenever one takes longer than `seconds`, `save` is called. Whoever reads is between two
 * steps then.
 */
export async function* whileWaiting<T>(
  chunks: AsyncIterable<T> | Iterable<T>,
  seconds: number,
  save: () => Promise<void>,
): AsyncGenerator<T, void, void> {
  const source = asyncIterator(chunks)
  for (;;) {
    const next = source.next()
    let result: IteratorResult<T> | null
    while ((result = await within(next, 1000 * seconds)) === null) await save()
    if (result.done) return
    yield result.value
  }
}

function asyncIterator<T>(chunks: AsyncIterable<T> | Iterable<T>): AsyncIterator<T> | Iterator<T> {
  return Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]()
}
