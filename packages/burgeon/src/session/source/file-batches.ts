/** The texts of files as batches whose rows say in which file they begin. */
import type { Origin, PlacedBatch, TokenBatch } from '@burgeon/continual'
import type { SourceChunk } from '../../sources/read-files.ts'
import type { Life } from '../life/life-checkpoint.ts'
import type { LifePosition } from '../record/life-record.ts'
import { idOfFile } from './guarded-reading.ts'
import { lifeBatches } from './life-batches.ts'
import { sourceChunks } from './source-chunks.ts'

/** Batches of a source. `onBytes` is called with each of its chunks. */
export async function* fileBatches(
  life: Pick<Life, 'learner' | 'settings'>,
  source: AsyncIterable<SourceChunk>,
  onBytes: (bytes: Uint8Array) => void,
): AsyncGenerator<PlacedBatch<LifePosition>, void, void> {
  const given = new GivenChunks()
  const tokenizer = life.learner.strategy.vocabulary?.tokenizer
  const sizeOf = (token: number): number => tokenizer?.bytesOf(token).length ?? 1
  for await (const { batch, position } of lifeBatches(life, sourceChunks(given.of(source), onBytes))) {
    yield { batch: { ...batch, origins: given.originsOf(batch, sizeOf) }, position }
    given.reached(position)
  }
}

/** Chunks that were given to be learnt, from the one on in which the next batch begins. */
class GivenChunks {
  #chunks: { domain: string; length: number; position: Required<LifePosition> }[] = []
  /** Bytes of the first of them that lie before the next batch. */
  #used = 0

  /** The same chunks, of which note is taken. */
  async *of(source: AsyncIterable<SourceChunk>): AsyncGenerator<SourceChunk, void, void> {
    for await (const chunk of source) {
      const { domain, bytes, position } = chunk
      this.#chunks.push({ domain, length: bytes.length, position })
      yield chunk
    }
  }

  /** A batch has ended there. */
  reached({ file, offset, pass = 0 }: LifePosition): void {
    const found = this.#chunks.findIndex(({ length, position }) => {
      const at = offset - position.offset
      return position.file === file && position.pass === pass && at >= 0 && at <= length
    })
    if (found < 0) return
    this.#chunks = this.#chunks.slice(found)
    this.#used = offset - this.#chunks[0].position.offset
  }

  /** Where each row of the next batch begins. */
  originsOf(batch: TokenBatch, sizeOf: (token: number) => number): Origin[] {
    // What is left of a domain that has ended, less than a prediction, is in no batch.
    const first = this.#chunks.findIndex(({ domain }) => domain === batch.domains[0])
    let [at, used] = [first, first === 0 ? this.#used : 0]
    const { rows, length, tokens, isContinuous = false } = batch
    return Array.from({ length: rows }, (_, row) => {
      while (at + 1 < this.#chunks.length && used >= this.#chunks[at].length) {
        used -= this.#chunks[at].length
        at++
      }
      const { domain, position } = this.#chunks[at]
      const own = tokens.subarray(row * (length + 1), row * (length + 1) + length + (isContinuous ? 0 : 1))
      const here = used
      for (const token of own) if (token >= 0) used += sizeOf(token)
      const { file } = position
      return { id: idOfFile(file), source: file, domain, at: position.offset + here, trust: 1 }
    })
  }
}
