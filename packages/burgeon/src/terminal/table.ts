import { stripVTControlCharacters } from 'node:util'
import { OptionError } from '@burgeon/tensor'
import { displayWidth } from './terminal.ts'

/** A cell of a table: numbers are written as they are, so format them first where digits matter. */
export type TableCell = string | number

/**
 * Rows as aligned text, one line each, with a rule below the header. A column whose cells all read as numbers
 * (a sign, digits, a unit) is aligned right, the others left. Color codes take no room.
 *
 * @throws OptionError when a row has another number of cells than the header.
 *
 * @example
 * table(['domain', 'bits/byte'], [['prose', '2.310'], ['data', '1.902']])
 */
export function table(header: readonly string[], rows: readonly (readonly TableCell[])[]): string {
  const cells = rows.map((row, i) => {
    if (row.length === header.length) return row.map(String)
    throw new OptionError(
      `table: row ${i} has ${row.length} cells, expected ${header.length} as in the header.`,
    )
  })
  const widths = header.map((name, column) =>
    cells.reduce((most, row) => Math.max(most, displayWidth(row[column])), displayWidth(name)),
  )
  const right = header.map((_, column) => cells.length > 0 && cells.every((row) => isQuantity(row[column])))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const space = ' '.repeat(widths[column] - displayWidth(cell))
        return right[column] ? space + cell : cell + space
      })
      .join('  ')
      .trimEnd()
  const rule = widths.map((size) => '\u2500'.repeat(size)).join('  ')
  return [line(header), rule, ...cells.map(line)].join('\n')
}

/** A number with at most a unit behind it, or a placeholder for a missing one. */
function isQuantity(cell: string): boolean {
  return /^([+\u2212-]?[\d,.]+( ?[\p{L}%/]{1,5})?|[-\u2013\u2014?]|)$/u.test(
    stripVTControlCharacters(cell).trim(),
  )
}
