/** What a batch of rows looks like to the block stack, as plain numbers. */
import { OptionError } from '@burgeon/tensor'
import type { GptConfig, PatchConfig } from '../config/gpt-config.ts'
import { neighbors } from '../config/patch-parameters.ts'
import { type PatchPlace, type Unit, unitsOf } from './units.ts'

/** The rows of a batch as units, B rows of up to G of them. Lists hold numbers of rows of tables. */
export interface PatchLayout {
  /** Units of the longest row, G; of rows that were read in part, those that are read now. */
  readonly units: number
  /** Units that were read before. */
  readonly past: number
  /** Tokens that are units. */
  readonly tokens: readonly number[]
  /**
   * Of each patch that is read P bytes, 256 behind the end of a short one; behind them of those that were
   * read before and are a neighbor of one that is written.
   */
  readonly patches: readonly number[]
  /** Bytes that each of these has. */
  readonly sizes: readonly number[]
  /** Places of the patches that are read; −1 of one that is a frame alone, which has only a time. */
  readonly rows: readonly number[]
  readonly columns: readonly number[]
  /** Of each of the B·G units its number among the tokens and, behind them, the patches. */
  readonly sources: readonly number[]
  /**
   * Units after which a token is predicted. Units of a row follow each other; before them there is the last
   * one of those that were read before, where there are such.
   */
  readonly readers: readonly number[]
  /** The patches that are predicted, those of equally many bytes together, the shortest first. */
  readonly written: readonly WrittenPatches[]
  /** Of each prediction its number among those of tokens and, behind them, those of patches. */
  readonly predictions: readonly number[]
}

/** Patches that are predicted to the same byte, S of them at most P. */
export interface WrittenPatches {
  readonly span: number
  /** Units after which each is predicted, as in `readers`. */
  readonly after: readonly number[]
  /** S bytes of each that are read for that: each but the last, behind a 0. */
  readonly bytes: readonly number[]
  /** Of each the patches beside it, by their number; −1 where there is none. */
  readonly neighbors: Readonly<Record<Neighbor, readonly number[]>>
}

/** Where the patches beside one are. */
type Neighbor = (typeof neighbors)[number]

/** How much of rows is there already, and what is asked of the rest. */
export interface ReadSoFar {
  /** Tokens of each row that were read before. */
  readonly tokens: number
  /** The first token after which a prediction is wanted; no prediction is of a token before `tokens`. */
  readonly wanted: number
  /** Whether what is read now is remembered: then all rows are cut alike. */
  readonly isKept: boolean
}

const nothing: ReadSoFar = { tokens: 0, wanted: 0, isKept: false }

/** Whether one of the tokens begins a piece. */
export function hasSense({ senses }: PatchConfig, tokens: ArrayLike<number>): boolean {
  const known = new Set(senses.map(({ token }) => token))
  for (let i = 0; i < tokens.length; i++) if (known.has(tokens[i])) return true
  return false
}

/**
 * The layout of rows, which are equally long.
 *
 * @throws OptionError for a row of more units than the context, and for rows that are to be remembered
 *   together and are not cut alike. Bytes 0 behind a row are padding, which is not read.
 */
export function layoutOf(
  { patches, context }: GptConfig & { readonly patches: PatchConfig },
  given: readonly (readonly number[])[],
  so: ReadSoFar = nothing,
): PatchLayout {
  const rows = given.map((row) => ({ row, units: within(context, row, unitsOf(patches, row)) }))
  const [{ units: ofFirst }] = rows
  const past = ofFirst.filter(({ start, length }) => start + length <= so.tokens).length
  if (so.isKept && rows.some(({ units }) => !areAlike(units, ofFirst))) {
    throw new OptionError(
      'forward: got rows with pieces in different places for one cache; expected a cache for each form of rows.',
    )
  }
  const units = Math.max(...rows.map(({ row, units: all }) => readIn(row, all))) - past
  const filling = new Filling(patches, { units, past, so })
  rows.forEach(({ row, units: all }, b) => filling.add(b, row, all))
  return filling.layout()
}

const areAlike = (a: readonly Unit[], b: readonly Unit[]): boolean =>
  a.length === b.length && a.every(({ start, at }, g) => start === b[g].start && isSame(at, b[g].at))

const isSame = (a: PatchPlace | undefined, b: PatchPlace | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && nameOf(a) === nameOf(b))

/** Whether the row has all of a unit, so that something can be predicted by it. */
const isRead = (row: readonly number[], { start, length }: Unit): boolean => start + length <= row.length

const readIn = (row: readonly number[], units: readonly Unit[]): number =>
  units.filter((unit) => isRead(row, unit)).length

function within(context: number, row: readonly number[], units: readonly Unit[]): readonly Unit[] {
  const [beyond] = units.slice(context).filter((unit) => isRead(row, unit))
  if (beyond === undefined) return units
  // Beside longer rows one that fills the context is padded, and the token that is only predicted is read.
  const padded = beyond.start + beyond.length < row.length ? beyond.start + beyond.length : beyond.start
  if (row.slice(padded).some((token) => token !== 0)) {
    throw new OptionError(
      `forward: got a row of ${units.length} tokens and patches; expected at most the context, ${context}.`,
    )
  }
  return units.slice(0, context)
}

const nameOf = ({ frame, row, column }: Omit<PatchPlace, 'isInGrid'>): string => `${frame} ${row} ${column}`

/** A patch that is predicted: after which unit, as bytes, and those of the piece that stand beside it. */
interface Writer {
  readonly after: number
  readonly bytes: readonly number[]
  readonly beside: Readonly<Record<Neighbor, string>>
}

/** Bytes of the patches of a piece, by their place, and their number, where they have one yet. */
type Piece = Map<string, { readonly bytes: readonly number[]; number?: number }>

/** Puts a layout together, row by row. */
class Filling {
  readonly #front: PatchConfig
  readonly #frame: { readonly units: number; readonly past: number; readonly so: ReadSoFar }
  readonly #lists = {
    ...{ tokens: [] as number[], patches: [] as (readonly number[])[], rows: [] as number[] },
    ...{ columns: [] as number[], sources: [] as number[], readers: [] as number[] },
  }
  readonly #writers: (Writer & { readonly piece: Piece })[] = []
  /** Predictions of tokens by their number, and those of bytes by writer and byte. */
  readonly #predictions: (number | readonly [writer: number, byte: number])[] = []

  constructor(
    front: PatchConfig,
    frame: { readonly units: number; readonly past: number; readonly so: ReadSoFar },
  ) {
    this.#front = front
    this.#frame = frame
  }

  add(b: number, row: readonly number[], units: readonly Unit[]): void {
    const { tokens, patches, rows, columns, sources, readers } = this.#lists
    const { units: G, past, so } = this.#frame
    // Number, in the table of features, of the unit before the first that is read now.
    const before = past > 0 ? b * (G + 1) : b * G - 1
    const afterUnit = (g: number): number => before + 1 + g - past
    const end = this.#predictions.length + row.length - so.wanted
    const isWanted = (predicted: number): boolean => predicted > so.wanted
    let piece: Piece = new Map()
    for (const [g, unit] of units.entries()) {
      const { start, length, at } = unit
      if (at === undefined) piece = new Map()
      if (g > 0 && at === undefined && isWanted(start)) {
        this.#predictions.push(readers.length)
        readers.push(afterUnit(g - 1))
      }
      if (g > 0 && at !== undefined) {
        const known = Math.min(length, row.length - start + 1)
        if (isWanted(start + known - 1)) {
          for (let i = 0; i < known; i++)
            if (isWanted(start + i)) this.#predictions.push([this.#writers.length, i])
          const bytes = row.slice(start, start + known - 1)
          this.#writers.push({ after: afterUnit(g - 1), bytes, beside: besides(at), piece })
        }
      }
      if (!isRead(row, unit)) continue
      if (at !== undefined) piece.set(nameOf(at), { bytes: row.slice(start, start + length) })
      if (g < past) continue
      if (at === undefined) {
        sources.push(tokens.length)
        tokens.push(row[start])
        continue
      }
      // Below 0 until it is known how many tokens there are: −1 for the first.
      sources.push(-1 - rows.length)
      const own = { bytes: row.slice(start, start + length), number: rows.length }
      piece.set(nameOf(at), own)
      patches.push(own.bytes)
      rows.push(at.isInGrid ? at.row : -1)
      columns.push(at.isInGrid ? at.column : -1)
    }
    // What comes after the last unit is a token, or padding, of which nothing is asked.
    if (this.#predictions.length < end) {
      const last = Math.max(0, readIn(row, units) - 1)
      while (this.#predictions.length < end) this.#predictions.push(readers.length)
      readers.push(afterUnit(last))
    }
    while (sources.length < (b + 1) * G) sources.push(0)
  }

  layout(): PatchLayout {
    const { patches, sources, rows, ...lists } = this.#lists
    const { units, past } = this.#frame
    const all = [...patches]
    const spans = [...new Set(this.#writers.map(spanOf))].toSorted((a, b) => a - b)
    // Of each writer the number of its first prediction.
    const firsts: number[] = []
    let next = lists.readers.length
    const written = spans.map((span): WrittenPatches => {
      const beside: Record<Neighbor, number[]> = { left: [], above: [], before: [] }
      const own = this.#writers.filter((writer, i) => {
        if (spanOf(writer) !== span) return false
        firsts[i] = next
        next += span
        for (const which of neighbors) {
          const found = writer.piece.get(writer.beside[which])
          if (found !== undefined) found.number ??= all.push(found.bytes) - 1
          beside[which].push(found?.number ?? -1)
        }
        return true
      })
      return {
        span,
        after: own.map(({ after }) => after),
        bytes: own.flatMap(({ bytes }) => [0, ...bytes]),
        neighbors: beside,
      }
    })
    const P = this.#front.bytes
    return {
      ...lists,
      ...{ units, past, rows, written },
      sizes: all.map(({ length }) => length),
      patches: all.flatMap((bytes) => Array.from({ length: P }, (_, i) => bytes[i] ?? 256)),
      sources: sources.map((i) => (i < 0 ? lists.tokens.length - 1 - i : i)),
      predictions: this.#predictions.map((of) => (typeof of === 'number' ? of : firsts[of[0]] + of[1])),
    }
  }
}

const spanOf = ({ bytes }: Writer): number => bytes.length + 1

function besides({ frame, row, column }: PatchPlace): Readonly<Record<Neighbor, string>> {
  return {
    left: nameOf({ frame, row, column: column - 1 }),
    above: nameOf({ frame, row: row - 1, column }),
    before: nameOf({ frame: frame - 1, row, column }),
  }
}
