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
import { type DetectorName, namedDetectors } from './named-detectors.ts'

export interface DriftOptions {
  /** Names or numbers of columns; each is watched by detectors of its own. */
  readonly column: readonly string[]
  readonly detector: readonly DetectorName[]
  /** Options of detectors, as `namedDetectors` has them. */
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
  readonly value: number
  readonly detector: DetectorName
  readonly direction: 'up' | 'down'
  /** The detector's estimate of the mean. */
  readonly estimate: number
}

/** Runs the command: reads rows until there are no more. Returns the exit code. */
export async function drift(file: string, options: DriftOptions, context: CommandContext): Promise<number> {
  const names = [...new Set(options.detector.length > 0 ? options.detector : (['adwin'] as const))]
  const detectorsOf = (): ReturnType<typeof namedDetectors> =>
    namedDetectors(names, options.option, options.raw)
  // What is wrong with options is said before anything is read.
  detectorsOf()
  const shown = file === '-' ? 'standard input' : printable(file)
  const table = await numberColumns(
    csvRecords(await bytesOf(file, shown, context), options.separator, shown),
    {
      columns: options.column,
      hasHeader: options.header,
      skipMissing: options.skipMissing,
      shown,
    },
  )
  const watched = table.names.map((column) => ({ column: printable(column), detectors: detectorsOf() }))
  const { faint, drift: marked } = palette(context.output, context.environment)
  const write = (line: string): void => void context.output.write(`${line}\n`)
  const totals = Object.fromEntries(names.map((name) => [name, 0])) as Record<DetectorName, number>
  const told = ({ row, line, column, value, detector, direction, estimate }: Alarm): void => {
    totals[detector]++
    if (options.json) write(JSON.stringify({ row, line, column, value, detector, direction, estimate }))
    else {
      write(
        `${marked('~')} row ${count(row)}  ${column} ${value}  ${detector} ${direction}, mean ${Number(estimate.toPrecision(6))}  ${faint(`line ${count(line)}`)}`,
      )
    }
  }
  let rows = 0
  for await (const row of table.rows) {
    rows++
    watched.forEach(({ column, detectors }, i) => {
      for (const alarm of alarmsIn(row, i, column, detectors, shown)) told(alarm)
    })
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

/** Hands one value to the detectors of its column. A value that one cannot take is an error of its line. */
function alarmsIn(
  { row, line, values }: NumberRow,
  at: number,
  column: string,
  detectors: ReturnType<typeof namedDetectors>,
  shown: string,
): Alarm[] {
  const value = values[at]
  return detectors.flatMap(([detector, part]) => {
    try {
      const { direction, estimate } = part.update(value)
      return direction === null ? [] : [{ row, line, column, value, detector, direction, estimate }]
    } catch (cause) {
      if (!(cause instanceof SignalError)) throw cause
      throw new StreamError('bad-table', `drift: line ${line} of ${shown}: ${cause.message}`, { line, cause })
    }
  })
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
