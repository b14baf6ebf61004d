/** Numbers of chosen columns of a table, row by row. */
import { printable } from '../../terminal/terminal.ts'
import { StreamError } from '../stream-error.ts'
import type { CsvRecord } from './csv-records.ts'

export interface NumberColumnsOptions {
  /** Names from the first record, or numbers from 1; a name goes first. The only column unless given. */
  readonly columns: readonly string[]
  /** Whether the first record holds names. */
  readonly hasHeader: boolean
  /** Leaves out rows in which one of the columns is empty or NA, NaN or null, instead of an error. */
  readonly skipMissing: boolean
  /** Name of the input, for messages. */
  readonly shown: string
}

/** Numbers of one row, in the order of the columns. */
export interface NumberRow {
  /** Rows from 1; the names are none. */
  readonly row: number
  readonly line: number
  readonly values: readonly number[]
}

/** Numbers, and what the columns are called. */
export interface NumberColumns {
  readonly names: readonly string[]
  /** Can be read once. */
  readonly rows: AsyncIterable<NumberRow>
  /** Rows that were left out so far. */
  readonly missing: number
}

const missing = /^(?:|na|n\/a|nan|null)$/i
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/**
 * Reads the first record and finds the columns.
 *
 * @throws StreamError `empty-input` without a record; `bad-table` with the number of the line for a column
 *   that is not there. While rows are read `bad-table`, too, for a row of another number of fields, for
 *   what is no decimal number, or one beyond ±1e100.
 */
export async function numberColumns(
  records: AsyncIterable<CsvRecord>,
  { columns, hasHeader, skipMissing, shown }: NumberColumnsOptions,
): Promise<NumberColumns> {
  const source = records[Symbol.asyncIterator]()
  const first = await source.next()
  if (first.done) {
    throw new StreamError(
      'empty-input',
      `drift: ${shown} is empty. Expected rows of numbers, with commas between.`,
    )
  }
  const { fields, line } = first.value
  const places = placesOf(columns, fields, { hasHeader, line, shown })
  const names = places.map((place) => (hasHeader ? fields[place] : `${place + 1}`))
  let left = 0
  function wrong(at: number, what: string): StreamError {
    return new StreamError('bad-table', `drift: line ${at} of ${shown}: got ${what}`, { line: at })
  }

  async function* rows(): AsyncGenerator<NumberRow> {
    let row = 0
    for (let next = hasHeader ? await source.next() : first; !next.done; next = await source.next()) {
      const record = next.value
      row++
      if (record.fields.length !== fields.length) {
        throw wrong(
          record.line,
          `${record.fields.length} fields; expected ${fields.length}, as in the first line.`,
        )
      }
      const texts = places.map((place) => record.fields[place].trim())
      if (skipMissing && texts.some((text) => missing.test(text))) {
        left++
        continue
      }
      const values = texts.map((text, i) => {
        const value = decimal.test(text) ? Number(text) : Number.NaN
        if (Math.abs(value) <= 1e100) return value
        const told = missing.test(text) ? ' --skip-missing leaves out rows without one.' : ''
        throw wrong(
          record.line,
          `'${printable(text.slice(0, 40))}' in column ${printable(names[i])}; expected a number.${told}`,
        )
      })
      yield { row, line: record.line, values }
    }
  }
  return {
    names,
    rows: rows(),
    get missing() {
      return left
    },
  }
}

/** Places of columns in a record, from 0. */
function placesOf(
  columns: readonly string[],
  fields: readonly string[],
  { hasHeader, line, shown }: { hasHeader: boolean; line: number; shown: string },
): number[] {
  const there = hasHeader
    ? `the columns ${fields.slice(0, 20).map(printable).join(', ')}`
    : `a number from 1 to ${fields.length}`
  const refuse = (what: string): never => {
    throw new StreamError(
      'bad-table',
      `drift: line ${line} of ${shown}: got ${what}; expected --column with one of ${there}.`,
      { line },
    )
  }
  if (columns.length === 0) return fields.length === 1 ? [0] : refuse(`${fields.length} columns`)
  return columns.map((column) => {
    const named = hasHeader ? fields.map((name) => name.trim()).indexOf(column.trim()) : -1
    if (named >= 0) return named
    const place = /^\d+$/.test(column) ? Number(column) - 1 : -1
    return place >= 0 && place < fields.length ? place : refuse(`column '${printable(column)}'`)
  })
}
