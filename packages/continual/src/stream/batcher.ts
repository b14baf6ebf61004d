/** Turns a stream of tagged chunks into batches that know where in the stream they end. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { batchOfTokens, type TokenBatch } from './batch.ts'

/** A piece of a stream. Tokens of one domain follow each other without a gap. */
export interface Chunk<P> {
  readonly domain: string
  readonly tokens: ArrayLike<number>
  /** Position of the stream after `used` tokens of this chunk. */
  positionAfter(used: number): P
}

/** A batch and the position from which the stream must be read again to get the batches after it. */
export interface PlacedBatch<P> {
  readonly batch: TokenBatch
  readonly position: P
}

const aChunk = checks.role<Chunk<unknown>>('a chunk', 'domain', 'tokens', 'positionAfter')
const severalChunks = checks.either(
  checks.role<Iterable<unknown>>('chunks one after another', Symbol.iterator),
  checks.role<AsyncIterable<unknown>>('as they come', Symbol.asyncIterator),
)

/**
 * Batches of `rows` rows of `length` predictions, every token predicted exactly once. A change of domain ends
 * a batch early, with what there is.
 *
 * Each batch begins with the token before its first prediction, so `position` points one token back: a reader
 * that starts there gets the same batches as one that never stopped.
 */
export async function* batches<P>(
  chunks: AsyncIterable<Chunk<P>> | Iterable<Chunk<P>>,
  options: { readonly rows: number; readonly length: number },
): AsyncGenerator<PlacedBatch<P>, void, void> {
  checkArgument('batches', 'chunks', chunks, severalChunks)
  checkOptions('batches', options, {
    rows: checks.required(checks.integer({ from: 1 })),
    length: checks.required(checks.integer({ from: 1 })),
  })
  const { rows, length } = options
  const wanted = rows * length + 1
  let pending: number[] = []
  let domain: string | undefined
  let end: P | undefined
  for await (const chunk of chunks) {
    checkArgument('batches', 'chunks', chunk, aChunk)
    if (domain !== undefined && chunk.domain !== domain) {
      if (pending.length > 1)
        yield { batch: batchOfTokens(pending, length, domain), position: chunk.positionAfter(0) }
      pending = []
    }
    domain = chunk.domain
    let used = 0
    while (used < chunk.tokens.length) {
      const take = Math.min(wanted - pending.length, chunk.tokens.length - used)
      for (let i = 0; i < take; i++) pending.push(chunk.tokens[used + i])
      used += take
      if (pending.length === wanted) {
        yield { batch: batchOfTokens(pending, length, domain), position: chunk.positionAfter(used - 1) }
        pending = [pending[wanted - 1]]
      }
    }
    end = chunk.positionAfter(used)
  }
  if (domain !== undefined && pending.length > 1) {
    yield { batch: batchOfTokens(pending, length, domain), position: end as P }
  }
}
