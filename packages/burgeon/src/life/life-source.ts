/** Where a life's text comes from: the default stream, or the user's own. */
import type { Chunk } from '@burgeon/continual'
import type { DomainText } from '../stream/domain-text.ts'
import type { Source } from '../stream/read-source.ts'
import type { SourcePosition } from '../stream/source-read.ts'

/** A place in a stream, plain data for the checkpoint. */
export type LifePosition = SourcePosition

/** Bytes per chunk of the default stream: small enough that a pause is noticed soon. */
const chunkBytes = 4096

/** The domains one after another, from `from` on. A position's `file` is the domain's name. */
export function* domainChunks(
  domains: readonly DomainText[],
  from?: LifePosition,
): Generator<Chunk<LifePosition>> {
  const first = Math.max(
    0,
    domains.findIndex(({ name }) => name === from?.file),
  )
  for (const [i, { name, train }] of domains.entries()) {
    if (i < first) continue
    for (let offset = i === first ? (from?.offset ?? 0) : 0; offset < train.length; offset += chunkBytes) {
      yield {
        domain: name,
        tokens: train.subarray(offset, offset + chunkBytes),
        positionAfter: (used) => ({ file: name, offset: offset + used }),
      }
    }
  }
}

/** The user's own text, chunk by chunk. `onBytes` is told each of them. */
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
