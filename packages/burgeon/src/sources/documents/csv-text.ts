/** The text of a table. */
import { printable } from '../../terminal/terminal.ts'
import { csvRecords } from '../csv/csv-records.ts'
import { StreamError } from '../stream-error.ts'

/** How a table is read. */
export interface CsvTextOptions {
  /** One character between fields. */
  readonly separator: string
  /** Name or number, from 1, of the column that is read alone; all of them unless given. */
  readonly column: string | undefined
}

/**
 * The rows of a table: `name: value` lines with a blank line after each row, or the values of one column. The
 * first record holds the names. Fields that are empty are left out.
 *
 * @param note Called once with how many rows were left out, because they have more or fewer fields.
 * @throws StreamError `not-text` for what is no table, or has no such column.
 */
export async function* csvText(
  pieces: AsyncIterable<Uint8Array>,
  { separator, column }: CsvTextOptions,
  note: (what: string) => void,
): AsyncGenerator<string, void, void> {
  let names: readonly string[] | undefined
  let place: number | undefined
  let [left, first] = [0, 0]
  try {
    for await (const { fields, line } of csvRecords(pieces, separator, (at) => `line ${at}`)) {
      if (names === undefined) {
        names = fields.map((name) => name.trim())
        place = column === undefined ? undefined : placeOf(column, names)
      } else if (fields.length !== names.length) {
        left++
        first ||= line
      } else yield place === undefined ? rowText(names, fields) : lineOf('', fields[place])
    }
  } catch (cause) {
    if (cause instanceof StreamError && cause.code === 'bad-table') {
      throw new StreamError('not-text', cause.message.replace(/\.$/, ''), { cause })
    }
    throw cause
  }
  if (left > 0) {
    const many = left === 1 ? `line ${first} is` : `${left} rows, the first of them at line ${first}, are`
    note(`${many} left out: another number of fields than in the first line`)
  }
}

function rowText(names: readonly string[], fields: readonly string[]): string {
  const lines = fields.map((value, i) => lineOf(names[i] === '' ? '' : `${names[i]}: `, value)).join('')
  return lines === '' ? '' : `${lines}\n`
}

const lineOf = (before: string, value: string): string =>
  value.trim() === '' ? '' : `${before}${value.trim()}\n`

/** Place of a column, from 0. */
function placeOf(column: string, names: readonly string[]): number {
  const named = names.indexOf(column.trim())
  const place = named >= 0 ? named : /^\d+$/.test(column) ? Number(column) - 1 : -1
  if (place >= 0 && place < names.length) return place
  const shown = names.slice(0, 20).map(printable).join(', ')
  throw new StreamError('not-text', `it has no column '${printable(column)}'; expected one of ${shown}`)
}
