/** Text of files as a guarded life learns it: judged piece by piece, and exactly so again after a kill. */
import { createHash } from 'node:crypto'
import type { Chunk, Origin, PlacedBatch, TokenBatch } from '@burgeon/continual'
import type { SourceChunk } from '../../sources/read-files.ts'
import type { Gate } from '../guard/gate.ts'
import type { Life } from '../life/life-checkpoint.ts'
import type { JudgedText } from '../life/life-origin.ts'
import type { LifePosition } from '../record/life-record.ts'
import { judgedPieces, type JudgedPiece, piecesOf } from './judged-pieces.ts'
import { lifeBatches } from './life-batches.ts'

/** A place among the pieces. */
interface Place {
  readonly piece: number
  readonly used: number
}

/**
 * Reads text by way of a gate. What was judged is never judged again: where a life is saved in the middle of
 * a piece, the rest of it, and what was judged after it, is saved with it.
 */
export class GuardedReading {
  readonly #gate: Gate
  /** Pieces that were let in; those before the first are learnt. */
  readonly #pieces: JudgedPiece[]
  /** Number of the first of them. */
  #first = 0
  #end: Required<LifePosition> | null = null
  /** Where the next batch begins. */
  #next: Place = { piece: 0, used: 0 }
  readonly #places = new WeakMap<LifePosition, Place>()

  /** @param waiting What a checkpoint holds of what was judged and is not learnt. */
  constructor(gate: Gate, waiting: readonly JudgedText[]) {
    this.#gate = gate
    this.#pieces = waiting.map(({ base64, ...piece }) => ({
      ...piece,
      bytes: new Uint8Array(Buffer.from(base64, 'base64')),
    }))
  }

  /**
   * Batches of what is let in. Rows say how far they are trusted, and none holds text of two degrees of trust.
   *
   * @param isPatient As of `piecesOf`.
   * @param onBytes Called with each piece as it is learnt.
   */
  async *batches(
    life: Pick<Life, 'learner' | 'settings'>,
    source: AsyncIterable<SourceChunk>,
    isPatient: boolean,
    onBytes: (bytes: Uint8Array) => void,
  ): AsyncGenerator<PlacedBatch<LifePosition>, void, void> {
    const tokenizer = life.learner.strategy.vocabulary?.tokenizer
    const sizeOf = (token: number): number => tokenizer?.bytesOf(token).length ?? 1
    for await (const { batch, position } of lifeBatches(life, this.#chunks(source, isPatient, onBytes))) {
      const origins = this.#originsOf(batch, sizeOf)
      const domains = origins.map(({ domain }) => domain)
      yield { batch: { ...batch, origins, domains }, position }
      this.#reached(this.#places.get(position))
    }
  }

  /** How far the text was judged, and what of that is not learnt at a place that a batch was given. */
  saved(position: LifePosition | null): {
    end: Required<LifePosition> | null
    waiting: readonly JudgedText[]
  } {
    const { piece, used } = (position && this.#places.get(position)) ?? this.#next
    const waiting = this.#pieces.slice(piece - this.#first).map(({ bytes, ...rest }, i) => ({
      ...rest,
      ...(i === 0 && { from: { ...rest.from, offset: rest.from.offset + used } }),
      base64: Buffer.from(i === 0 ? bytes.subarray(used) : bytes).toString('base64'),
    }))
    return { end: this.#end, waiting: waiting.filter(({ base64 }) => base64 !== '') }
  }

  async *#chunks(
    source: AsyncIterable<SourceChunk>,
    isPatient: boolean,
    onBytes: (bytes: Uint8Array) => void,
  ): AsyncGenerator<Chunk<LifePosition>, void, void> {
    for (let i = 0; i < this.#pieces.length; i++) yield this.#chunkOf(i + this.#first, onBytes)
    const reached = (end: Required<LifePosition>): void => {
      this.#end = end
    }
    for await (const piece of judgedPieces(piecesOf(source, isPatient), this.#gate, reached)) {
      this.#pieces.push(piece)
      yield this.#chunkOf(this.#first + this.#pieces.length - 1, onBytes)
    }
  }

  #chunkOf(number: number, onBytes: (bytes: Uint8Array) => void): Chunk<LifePosition> {
    const piece = this.#pieces[number - this.#first]
    onBytes(piece.bytes)
    return {
      domain: labelOf(piece),
      tokens: piece.bytes,
      positionAfter: (used) => {
        const position: LifePosition = { ...piece.end }
        this.#places.set(position, { piece: number, used })
        return position
      },
    }
  }

  #reached(place: Place | undefined): void {
    if (place === undefined) return
    this.#next = place
    this.#pieces.splice(0, place.piece - this.#first)
    this.#first = place.piece
  }

  /** Where each row of the next batch begins. */
  #originsOf(batch: TokenBatch, sizeOf: (token: number) => number): Origin[] {
    // What is left of text of another domain or trust, less than a prediction, is in no batch.
    const first = this.#pieces.findIndex((piece) => labelOf(piece) === batch.domains[0])
    let [at, used] = [first, first === this.#next.piece - this.#first ? this.#next.used : 0]
    const { rows, length, tokens, isContinuous = false } = batch
    return Array.from({ length: rows }, (_, row) => {
      while (at + 1 < this.#pieces.length && used >= this.#pieces[at].bytes.length) {
        used -= this.#pieces[at].bytes.length
        at++
      }
      const { domain, from, trust } = this.#pieces[at]
      const own = tokens.subarray(row * (length + 1), row * (length + 1) + length + (isContinuous ? 0 : 1))
      const here = used
      for (const token of own) if (token >= 0) used += sizeOf(token)
      return { id: idOfFile(from.file), source: from.file, domain, at: from.offset + here, trust }
    })
  }
}

/** Batches are of one domain each; here also of one degree of trust. */
const labelOf = ({ domain, trust }: JudgedPiece): string => JSON.stringify([domain, trust])

/** A number for a file: 48 bits of the digest of its name, the same whenever it is read. */
export const idOfFile = (file: string): number =>
  Number.parseInt(createHash('sha256').update(file).digest('hex').slice(0, 12), 16)
