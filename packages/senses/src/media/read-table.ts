/** Numbers of a table of comma-separated values. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { SenseError } from '../sense-error.ts'
import { limitChecks, limitsOf, type MediaLimits } from './limits.ts'

/** Columns of numbers, by name. */
export interface Table {
  readonly names: readonly string[]
  /** Of each column its values, equally many; NaN where a field is empty or says NA or NaN. */
  readonly columns: readonly Float64Array[]
}

/** Fields of one line that are longer than this are no numbers. */
const longestLine = 1 << 16

/**
 * Reads a table: a first line of names, and lines of as many fields, with commas between them; quotes around
 * a field are left out. Columns of which any field is no number, such as times, are left out.
 *
 * @param bytes The whole file, UTF-8.
 * @param name What messages call it.
 * @throws SenseError that names the file and the line, for what is no such table, has no column of numbers,
 *   or exceeds the limits.
 */
export function readTable(bytes: Uint8Array, name: string, limits: MediaLimits = {}): Table {
  checkArgument('readTable', 'bytes', bytes, checks.instance('bytes in a Uint8Array', Uint8Array))
  checkArgument('readTable', 'name', name, checks.text)
  checkOptions('readTable', limits, limitChecks)
  const lines = linesOf(bytes, name)
  const names = fieldsOf(lines[0] ?? '', name, 1)
  const rows = lines.length - 1
  const most = limitsOf(limits).numbers
  if (rows * names.length > most) {
    throw new SenseError(
      'too-large',
      `${name}: got ${rows} lines of ${names.length} fields; expected at most ${most} fields.`,
    )
  }
  const columns = names.map(() => new Float64Array(Math.max(rows, 0)))
  const isText = names.map(() => false)
  for (let row = 0; row < rows; row++) {
    const fields = fieldsOf(lines[row + 1], name, row + 2)
    if (fields.length !== names.length) {
      throw new SenseError(
        'bad-piece',
        `${name}: line ${row + 2}: got ${fields.length} fields; expected ${names.length}.`,
      )
    }
    fields.forEach((field, i) => {
      const value = numberOf(field)
      if (value === undefined) isText[i] = true
      else columns[i][row] = value
    })
  }
  const kept = names.flatMap((_, i) => (isText[i] || rows < 1 ? [] : [i]))
  if (kept.length === 0) {
    throw new SenseError(
      'bad-piece',
      `${name}: got no column of numbers; expected one at least below its name.`,
    )
  }
  return { names: kept.map((i) => names[i]), columns: kept.map((i) => columns[i]) }
}

function linesOf(bytes: Uint8Array, name: string): readonly string[] {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const lines = text.split(/\r?\n/)
    while (lines.length > 0 && lines.at(-1)?.trim() === '') lines.pop()
    return lines
  } catch (cause) {
    throw new SenseError('bad-piece', `${name}: got bytes that are not UTF-8; expected a table.`, { cause })
  }
}

const fieldPattern = /\s*(?:"((?:[^"]|"")*)"|([^",]*))\s*(,|$)/y

function fieldsOf(line: string, name: string, number: number): string[] {
  if (line.length > longestLine) {
    throw new SenseError(
      'too-large',
      `${name}: line ${number}: got ${line.length} characters; expected at most ${longestLine}.`,
    )
  }
  const fields: string[] = []
  fieldPattern.lastIndex = 0
  for (;;) {
    const match = fieldPattern.exec(line)
    if (match === null) {
      throw new SenseError(
        'bad-piece',
        `${name}: line ${number}: got a quote that is not closed; expected whole fields.`,
      )
    }
    const [, quoted, plain, end] = match
    fields.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'))
    if (end === '') return fields
  }
}

/** The number of a field, NaN for a missing one; undefined for text. */
function numberOf(field: string): number | undefined {
  if (/^(?:|na|nan|null)$/i.test(field)) return NaN
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(field) && Number.isFinite(Number(field))
    ? Number(field)
    : undefined
}
