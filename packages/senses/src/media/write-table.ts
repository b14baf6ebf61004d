/** Series as a table of comma-separated values. */
import { type Check, checkArgument, checks } from '@burgeon/tensor'
import { SenseError } from '../sense-error.ts'
import type { Table } from './read-table.ts'

const aTable: Check<Table> = checks.role('a table', 'names', 'columns')
const someNames = checks.list('a list of names', checks.text)
const someColumns = checks.list(
  'a list of Float64Arrays',
  checks.instance('numbers in a Float64Array', Float64Array),
)

/**
 * Writes a table: a line of names, and a line for each moment with a field for each column; the field of a
 * value that is missing (NaN) is empty.
 *
 * @returns The whole file, UTF-8, which `readTable` reads back to the bit.
 * @throws SenseError for columns of several lengths, not as many names as columns, names that are empty or
 *   have commas, quotes or lines in them, or infinite values.
 */
export function writeTable(table: Table): Uint8Array {
  checkArgument('writeTable', 'table', table, aTable)
  const { names, columns } = table
  checkArgument('writeTable', 'names', names, someNames)
  checkArgument('writeTable', 'columns', columns, someColumns)
  const length = columns[0]?.length ?? 0
  if (names.length !== columns.length || columns.some((values) => values.length !== length)) {
    throw wrong(
      `${names.length} names and columns of ${columns.map((values) => values.length).join(', ')} values`,
      'a name for each column, and equally many values',
    )
  }
  const badName = names.find((name) => !/^[^",\r\n]+$/.test(name))
  if (names.length === 0 || badName !== undefined) {
    throw wrong(
      names.length === 0 ? 'no columns' : `the name ${JSON.stringify(badName)}`,
      'names without commas, quotes and lines',
    )
  }
  const infinite = columns.flatMap(
    (values) => values.filter((value) => Math.abs(value) === Infinity)[0] ?? [],
  )
  if (infinite.length > 0) throw wrong(`${infinite[0]} as a value`, 'numbers, or NaN for a missing one')
  const lines = Array.from({ length }, (_, t) =>
    columns.map((values) => (Number.isNaN(values[t]) ? '' : String(values[t]))).join(','),
  )
  // A line of one empty field would be no line.
  const filled = lines.map((line) => (line === '' ? 'NaN' : line))
  return new TextEncoder().encode([names.join(','), ...filled, ''].join('\n'))
}

function wrong(got: string, expected: string): SenseError {
  return new SenseError('bad-piece', `writeTable: got ${got}; expected ${expected}.`)
}
