/** The user's own text as chunks for a learner. */
import type { Chunk } from '@burgeon/continual'
import type { SourceChunk } from '../../sources/read-files.ts'
import type { LifePosition } from '../record/life-record.ts'

/** The user's own text, chunk by chunk. `onBytes` is called with each of them. */
export async function* sourceChunks(
  source: AsyncIterable<SourceChunk>,
  onBytes: (bytes: Uint8Array) => void,
): AsyncGenerator<Chunk<LifePosition>> {
  for await (const { domain, bytes, position } of source) {
    onBytes(bytes)
    yield {
      domain,
      tokens: bytes,
      positionAfter: (used) => ({ ...position, offset: position.offset + used }),
    }
  }
}
