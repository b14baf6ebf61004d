/** Text, pictures, sound and series of one source as batches, each in its turn. */
import { joinBatches, type PlacedBatch, type TokenBatch } from '@burgeon/continual'
import { tokensWithin } from '@burgeon/gpt'
import { nameOfMedia } from '../../sources/media/media-pieces.ts'
import type { SourceChunk } from '../../sources/read-files.ts'
import type { Life } from '../life/life-checkpoint.ts'
import { type LifePosition, recordEvents } from '../record/life-record.ts'
import { fileBatches } from '../source/file-batches.ts'
import { idOfFile } from '../source/guarded-reading.ts'
import { growSense } from './grow-sense.ts'

/** Who is told what. */
export interface SensedBatchesOptions {
  /** Called with each chunk of text. */
  readonly onBytes: (bytes: Uint8Array) => void
  /** Called with a line about each piece that is passed over, and why. */
  readonly note: (line: string) => void
  /** Runs a growth when its turn has come, where others work on the model too; at once unless given. */
  readonly turn?: (<R>(body: () => Promise<R>) => Promise<R>) | undefined
}

/** A chunk that holds a piece. */
type PieceChunk = SourceChunk & Required<Pick<SourceChunk, 'piece'>>

/**
 * Batches of a source: of text as without media, of pieces as many as a life learns at once, of one sense and
 * size. A sense that the model does not know yet is grown before its first piece, between two steps. What a
 * batch holds depends on nothing but the place where it begins.
 *
 * @throws UsageError where the model may not grow a sense.
 */
export async function* sensedBatches(
  life: Life,
  source: AsyncIterable<SourceChunk>,
  options: SensedBatchesOptions,
): AsyncGenerator<PlacedBatch<LifePosition>, void, void> {
  const chunks = source[Symbol.asyncIterator]()
  let next = await chunks.next()
  const take = async (): Promise<void> => void (next = await chunks.next())
  async function* text(): AsyncGenerator<SourceChunk, void, void> {
    while (!next.done && next.value.piece === undefined) {
      yield next.value
      await take()
    }
  }
  const rows = new WaitingRows(life.settings.rows)
  while (!next.done) {
    const chunk = next.value
    if (!hasPiece(chunk)) {
      yield* rows.taken()
      yield* fileBatches(life, text(), options.onBytes)
      continue
    }
    if (!rows.goesWith(chunk.piece.label)) yield* rows.taken()
    const row = await rowOf(life, chunk, options)
    if (row !== null) rows.add(row, chunk)
    if (rows.isFull) yield* rows.taken()
    await take()
  }
  yield* rows.taken()
}

const hasPiece = (chunk: SourceChunk): chunk is PieceChunk => chunk.piece !== undefined

/** Rows of pieces of one sense and size that are learnt together. */
class WaitingRows {
  readonly #wanted: number
  #rows: TokenBatch[] = []
  #end: LifePosition | null = null

  constructor(wanted: number) {
    this.#wanted = wanted
  }

  get isFull(): boolean {
    return this.#rows.length >= this.#wanted
  }

  /** Whether pieces of a sense and size may be learnt with those that wait. */
  goesWith(label: string): boolean {
    return this.#rows.every(({ domains }) => domains[0] === label)
  }

  add(row: TokenBatch, { position, bytes }: SourceChunk): void {
    this.#rows.push(row)
    this.#end = { ...position, offset: position.offset + bytes.length }
  }

  /** What waits, as a batch; none where nothing does. */
  *taken(): Generator<PlacedBatch<LifePosition>, void, void> {
    if (this.#end === null) return
    const placed = { batch: joinBatches(this.#rows), position: this.#end }
    this.#rows = []
    this.#end = null
    yield placed
  }
}

/** A piece as a row; null, with a note, where it does not fit into the context. */
async function rowOf(
  life: Life,
  { piece, position }: PieceChunk,
  { note, turn = (body) => body() }: SensedBatchesOptions,
): Promise<TokenBatch | null> {
  const { learner, settings, record } = life
  const { file, label } = piece
  if (!(learner.model.config.patches?.senses ?? []).some(({ name }) => name === label)) {
    const event = await turn(() => growSense(learner, piece, settings.seed))
    recordEvents(record, [event], learner.model.parameters.size)
    note(event.summary)
  }
  const { config } = learner.model
  const origin = { id: idOfFile(file), source: file, domain: label, at: position.offset, trust: 1 }
  const row = { ...piece.row(config, namedBy(file, position.pass)), origins: [origin] }
  const fitting = tokensWithin(config, row.tokens)
  if (fitting === row.tokens.length) return row
  note(
    `passed over ${file}: got ${label}, of which ${fitting} of ${row.tokens.length} bytes fit into the context of ${config.context} patches`,
  )
  return null
}

/**
 * Where the name of a piece stands: behind it for every other file, so that the model learns to say it, and
 * before the others, so that it learns to write what is named. The next pass has them the other way round.
 */
function namedBy(file: string, pass: number): { readonly text?: string; readonly before?: string } {
  const name = nameOfMedia(file)
  if (name === '') return {}
  return (idOfFile(file) + pass) % 2 === 0 ? { text: `${name}\n` } : { before: `${name}\n` }
}
