/** Keeps a life safe while its source has nothing to say. */

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
    let result: IteratorResult<T> | undefined
    while ((result = await within(next, seconds)) === undefined) await save()
    if (result.done) return
    yield result.value
  }
}

function asyncIterator<T>(chunks: AsyncIterable<T> | Iterable<T>): AsyncIterator<T> | Iterator<T> {
  return Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]()
}

/** The value of a promise; undefined if it takes longer than `seconds`. */
async function within<T>(promise: T | Promise<T>, seconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000, undefined)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
