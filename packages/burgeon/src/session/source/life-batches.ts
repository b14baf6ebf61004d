/** Text as batches in the tokens of a life. */
import { batches, type Chunk, type PlacedBatch } from '@burgeon/continual'
import { BytePairTokenizer } from '@burgeon/gpt'
import type { Life } from '../life/life-checkpoint.ts'
import { textBatches } from './text-batches.ts'

/**
 * Batches of the shape that a life learns. Byte pairs begin with the bytes, and a learner encodes those anew;
 * other tokens are made here.
 */
export function lifeBatches<P>(
  { learner, settings }: Pick<Life, 'learner' | 'settings'>,
  chunks: AsyncIterable<Chunk<P>> | Iterable<Chunk<P>>,
): AsyncGenerator<PlacedBatch<P>> {
  const { vocabulary, context } = learner.strategy
  // Labels stand before a row, within the context.
  const length = settings.model.context - (context?.slots ?? 0)
  const shape = { rows: settings.rows, length }
  const tokenizer = vocabulary?.tokenizer
  const isOwn = tokenizer === undefined || tokenizer instanceof BytePairTokenizer
  return isOwn ? batches(chunks, shape) : textBatches(chunks, { ...shape, tokenizer })
}
