/** The user's own text as chunks for a learner. */
import type { Chunk } from '@burgeon/continual'
import type { Source } from '../../sources/read-source.ts'
import type { LifePosition } from '../record/life-record.ts'

/** The user's own text, chunk by chunk. `onBytes` is called with each of them. */
export async function* sourceChunks(
  source: Source,
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
