/** Records of a text as a guard lets it in: what it refuses is in no log, and each piece is judged once. */
import type { SourceChunk } from '../../sources/read-files.ts'
import type { SourcePosition } from '../../sources/source-read.ts'
import { type Gate, isLearnt } from '../guard/gate.ts'
import type { JudgedText } from '../life/life-origin.ts'
import { type JudgedPiece, piecesOf } from '../source/judged-pieces.ts'
import { type CutRecord, cutRecords } from './cut-records.ts'

/** Cuts a text by way of a gate. None of its records reaches over two pieces that were judged. */
export class JudgedRecords {
  readonly #gate: Gate
  /** Pieces that were let in, and of which not every record is taken. */
  #waiting: readonly JudgedPiece[]

  /** @param waiting Those that a checkpoint holds. */
  constructor(gate: Gate, waiting: readonly JudgedText[]) {
    this.#gate = gate
    this.#waiting = waiting.map(({ base64, ...piece }) => ({
      ...piece,
      bytes: new Uint8Array(Buffer.from(base64, 'base64')),
    }))
  }

  /**
   * The records, first those of pieces that wait. A record is taken when the next one is asked for.
   *
   * @param reached Called with the end of each piece as it is judged; what of it is not taken waits from then on.
   */
  async *records(
    source: AsyncIterable<SourceChunk>,
    label: string,
    size: number,
    reached: (end: Required<SourcePosition>) => void,
  ): AsyncGenerator<CutRecord, void, void> {
    yield* this.#take(label, size)
    for await (const { domain, bytes, position } of piecesOf(source, true)) {
      const { file } = position
      const admission = await this.#gate.admit({ text: decoder.decode(bytes), source: file, domain })
      const end = { ...position, offset: position.offset + bytes.length }
      const own = admission.verdict === 'redact' ? new TextEncoder().encode(admission.text) : bytes
      // Together, so that whoever saves between two records saves both.
      if (isLearnt(admission)) {
        this.#waiting = [{ domain, bytes: own, from: position, end, trust: admission.trust }]
      }
      reached(end)
      yield* this.#take(label, size)
    }
  }

  /** What was judged and is not taken, for a checkpoint. */
  saved(): readonly JudgedText[] {
    return this.#waiting.map(({ bytes, ...piece }) => ({
      ...piece,
      base64: Buffer.from(bytes).toString('base64'),
    }))
  }

  async *#take(label: string, size: number): AsyncGenerator<CutRecord, void, void> {
    for (const { domain, bytes, from } of this.#waiting) {
      yield* cutRecords(oneOf({ domain, bytes, position: from }), label, size)
      this.#waiting = this.#waiting.slice(1)
    }
  }
}

async function* oneOf(chunk: SourceChunk): AsyncGenerator<SourceChunk, void, void> {
  yield await Promise.resolve(chunk)
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
