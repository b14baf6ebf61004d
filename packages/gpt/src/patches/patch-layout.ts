/** What a batch of rows looks like to the block stack, as plain numbers. */
import { OptionError } from '@burgeon/tensor'
import type { GptConfig, PatchConfig } from '../config/gpt-config.ts'
import { type Unit, unitsOf } from './units.ts'

/** The rows of a batch as units, B rows of up to G of them. Lists hold numbers of rows of tables. */
export interface PatchLayout {
  /** Units of the longest row, G. */
  readonly units: number
  /** Tokens that are units. */
  readonly tokens: readonly number[]
  /** Of each patch that is read P bytes, 256 behind the end of a short one. */
  readonly patches: readonly number[]
  readonly rows: readonly number[]
  readonly columns: readonly number[]
  /** Of each of the B·G units its number among the tokens and, behind them, the patches. */
  readonly sources: readonly number[]
  /** Units after which a token is predicted. */
  readonly readers: readonly number[]
  /** Units after which a patch is predicted, and the P bytes read for that: each byte but the last. */
  readonly writers: readonly number[]
  readonly written: readonly number[]
  /** Of each of the B·T predictions its number among those of tokens and, behind them, those of patches. */
  readonly predictions: readonly number[]
}

/**
 * The layout of rows `[B, T]`, or null where they have no patch: every unit is a token then.
 *
 * @throws OptionError for a row of more units than the context. Bytes 0 behind it are padding, which is not
 *   read.
 */
export function layoutOf(
  config: GptConfig,
  tokens: ArrayLike<number>,
  B: number,
  T: number,
): PatchLayout | null {
  const { patches, context } = config
  if (patches === undefined || !hasSense(patches, tokens)) return null
  const rows = Array.from({ length: B }, (_, b) => {
    const row = Array.prototype.slice.call(tokens, b * T, (b + 1) * T) as number[]
    return { row, units: within(context, row, unitsOf(patches, row)) }
  })
  const units = Math.max(...rows.map(({ row, units: all }) => all.filter((unit) => isRead(row, unit)).length))
  const filling = new Filling(patches, units)
  rows.forEach(({ row, units: all }, b) => filling.add(b, row, all))
  return filling.layout()
}

const hasSense = ({ senses }: PatchConfig, tokens: ArrayLike<number>): boolean => {
  const known = new Set(senses.map(({ token }) => token))
  for (let i = 0; i < tokens.length; i++) if (known.has(tokens[i])) return true
  return false
}

/** Whether the row has all of a unit, so that something can be predicted by it. */
const isRead = (row: readonly number[], { start, length }: Unit): boolean => start + length <= row.length

function within(context: number, row: readonly number[], units: readonly Unit[]): readonly Unit[] {
  const [beyond] = units.slice(context).filter((unit) => isRead(row, unit))
  if (beyond === undefined) return units
  if (row.slice(beyond.start).some((token) => token !== 0)) {
    throw new OptionError(
      `forward: got a row of ${units.length} tokens and patches; expected at most the context, ${context}.`,
    )
  }
  return units.slice(0, context)
}

/** Puts a layout together, row by row. */
class Filling {
  readonly #front: PatchConfig
  readonly #units: number
  readonly #lists: { readonly [K in keyof Omit<PatchLayout, 'units'>]: number[] } = {
    ...{ tokens: [], patches: [], rows: [], columns: [], sources: [], readers: [], writers: [], written: [] },
    predictions: [],
  }

  constructor(front: PatchConfig, units: number) {
    this.#front = front
    this.#units = units
  }

  /** A row. Numbers of patches are below 0 until it is known how many tokens there are: −1 for the first. */
  add(b: number, row: readonly number[], units: readonly Unit[]): void {
    const { tokens, patches, rows, columns, sources, readers, writers, written, predictions } = this.#lists
    const P = this.#front.bytes
    const [first, end] = [b * this.#units, predictions.length + row.length]
    for (const [g, unit] of units.entries()) {
      const { start, length, at } = unit
      if (isRead(row, unit)) {
        sources.push(at === undefined ? tokens.length : -1 - rows.length)
        if (at === undefined) tokens.push(row[start])
        else {
          for (let i = 0; i < P; i++) patches.push(i < length ? row[start + i] : 256)
          rows.push(at.row)
          columns.push(at.column)
        }
      }
      if (g === 0) continue
      if (at === undefined) {
        predictions.push(readers.length)
        readers.push(first + g - 1)
        continue
      }
      const known = Math.min(length, row.length - start + 1)
      for (let i = 0; i < known; i++) predictions.push(-1 - (P * writers.length + i))
      for (let i = 0; i < P; i++) written.push(i > 0 && i < known ? row[start + i - 1] : 0)
      writers.push(first + g - 1)
    }
    // What comes after the last unit is a token, or padding, of which nothing is asked.
    const last = units.filter((unit) => isRead(row, unit)).length - 1
    while (predictions.length < end) predictions.push(readers.length)
    readers.push(first + Math.max(0, last))
    while (sources.length < first + this.#units) sources.push(0)
  }

  layout(): PatchLayout {
    const { sources, predictions, ...lists } = this.#lists
    const behind = (count: number) => (i: number) => (i < 0 ? count - 1 - i : i)
    return {
      ...lists,
      units: this.#units,
      sources: sources.map(behind(lists.tokens.length)),
      predictions: predictions.map(behind(lists.readers.length)),
    }
  }
}
