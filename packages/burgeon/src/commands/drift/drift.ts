/** `burgeon drift FILE.csv`: where columns of a table change, as their rows come. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { SignalError } from '@burgeon/continual'
import { csvRecords } from '../../sources/csv/csv-records.ts'
import { type NumberRow, numberColumns } from '../../sources/csv/number-columns.ts'
import { untilStopped, wakeReader } from '../../sources/read-pipe.ts'
import { StreamError } from '../../sources/stream-error.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { count, many } from '../../terminal/quantities.ts'
import { palette, printable } from '../../terminal/terminal.ts'
import { exitCodes } from '../exit-codes.ts'
import { type ColumnWatch, columnWatches, type DetectorName } from './named-detectors.ts'

export interface DriftOptions {
  /** Names or numbers of columns; each has detectors of its own, and all together those of vectors. */
  readonly column: readonly string[]
  readonly detector: readonly DetectorName[]
  /** Options of detectors, as `columnWatches` has them. */
  readonly option: readonly string[]
  /** Hands values on in their own unit. */
  readonly raw: boolean
  /** Whether the first line holds the names of columns. */
  readonly header: boolean
  readonly skipMissing: boolean
  /** One character between fields. */
  readonly separator: string
  /** Prints a line of JSON per alarm, and a last one with the totals. */
  readonly json: boolean
}

/** An alarm, as `--json` prints it. */
interface Alarm extends Omit<NumberRow, 'values'> {
  readonly column: string
  /** What the detector saw of the row. */
  readonly value: number | readonly number[]
  readonly detector: DetectorName
  readonly direction: 'up' | 'down'
  /** The detector's estimate: of the mean, or for vectors how rare they are, in standard deviations. */
  readonly estimate: number
}

/** Runs the command: reads rows until there are no more. Returns the exit code. */
export async function drift(file: string, options: DriftOptions, context: CommandContext): Promise<number> {
  const names = [...new Set(options.detector.length > 0 ? options.detector : (['adwin'] as const))]
  const watchesOf = (columns: readonly string[]): ColumnWatch[] =>
    columnWatches(names, options.option, options.raw, columns)
  // What is wrong with options is said before anything is read.
  watchesOf(['any'])
  const shown = file === '-' ? 'standard input' : printable(file)
  const table = await numberColumns(
    csvRecords(
      await bytesOf(file, shown, context),
      options.separator,
      (line) => `drift: line ${line} of ${shown}`,
    ),
    {
      columns: options.column,
      hasHeader: options.header,
      skipMissing: options.skipMissing,
      shown,
    },
  )
  const watches = watchesOf(table.names.map(printable))
  const { faint, drift: marked } = palette(context.output, context.environment)
  const write = (line: string): void => void context.output.write(`${line}\n`)
  const totals = Object.fromEntries(names.map((name) => [name, 0])) as Record<DetectorName, number>
  const told = ({ row, line, column, value, detector, direction, estimate }: Alarm): void => {
    totals[detector]++
    if (options.json) write(JSON.stringify({ row, line, column, value, detector, direction, estimate }))
    else {
      const seen = typeof value === 'number' ? value : value.join(', ')
      const judged = `${detector === 'kernel' ? 'score' : 'mean'} ${Number(estimate.toPrecision(6))}`
      const at = faint(`line ${count(line)}`)
      write(`${marked('~')} row ${count(row)}  ${column} ${seen}  ${detector} ${direction}, ${judged}  ${at}`)
    }
  }
  let rows = 0
  for await (const row of table.rows) {
    rows++
    for (const watch of watches) {
      const alarm = alarmIn(row, watch, shown)
      if (alarm !== null) told(alarm)
    }
  }
  const { missing } = table
  if (options.json) write(JSON.stringify({ rows, missing, alarms: totals }))
  else {
    const found = names.map((name) => `${name} ${many(totals[name], 'alarm')}`).join(', ')
    const without = missing > 0 ? `, ${count(missing)} without a number left out` : ''
    write(`${many(rows, 'row')}${without}: ${found}`)
  }
  return exitCodes[String(context.stop.reason)] ?? 0
}

/** Hands a row to a detector. A value that it cannot take is an error of the line. */
function alarmIn({ row, line, values }: NumberRow, watch: ColumnWatch, shown: string): Alarm | null {
  try {
    const { direction, estimate } = watch.update(values)
    const { column, detector } = watch
    return direction === null
      ? null
      : { row, line, column, value: watch.seen(values), detector, direction, estimate }
  } catch (cause) {
    if (!(cause instanceof SignalError)) throw cause
    throw new StreamError('bad-table', `drift: line ${line} of ${shown}: ${cause.message}`, { line, cause })
  }
}

/** The bytes of a file, a pipe or standard input, until they end or the user stops. */
async function bytesOf(
  file: string,
  shown: string,
  { input, stop, closed }: CommandContext,
): Promise<AsyncIterable<Uint8Array>> {
  const ends = AbortSignal.any([stop, closed])
  if (file === '-') return untilStopped(input ?? process.stdin, ends, undefined)
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    const what =
      cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${cause.code ?? cause.message})`
    const code = cause.code === 'ENOENT' ? 'missing-path' : 'unreadable'
    throw new StreamError(code, `drift: ${shown} ${what}; expected a file with rows of numbers, or -.`, {
      cause,
    })
  })
  if (found.isDirectory()) {
    throw new StreamError(
      'unreadable',
      `drift: ${shown} is a folder; expected a file with rows of numbers, or -.`,
    )
  }
  const release = found.isFIFO() ? () => wakeReader(file) : undefined
  return untilStopped(createReadStream(file), ends, release)
}
