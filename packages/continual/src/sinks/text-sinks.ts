/** Sinks of text: lines for people, CSV and JSON lines. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { anOutput, outputSink, type SinkOutput } from './output-sink.ts'
import { type Sink, SinkError, type SinkRecord } from './sink.ts'

const utf8 = new TextEncoder()

/** How much is said. */
export interface ConsoleSinkOptions {
  /** Records from one line to the next, ≥ 1; events have a line each in any case. 100 unless given. */
  readonly every?: number
  /** Names of the numbers in a line; all unless given. */
  readonly scalars?: readonly string[]
}

/**
 * Lines for people: some numbers of every so many records, and every event.
 *
 * @param print Takes a line without its end, as `console.log` does.
 * @throws OptionError for an option outside its range.
 */
export function consoleSink(print: (line: string) => unknown, options: ConsoleSinkOptions = {}): Sink {
  checkArgument('consoleSink', 'print', print, checks.callback('a function that takes a line'))
  checkOptions('consoleSink', options, {
    every: checks.integer({ from: 1 }),
    scalars: checks.list('a list of names', checks.text),
  })
  const { every = 100, scalars: chosen } = options
  let seen = 0
  const output = { write: (lines: readonly string[]) => lines.forEach((line) => print(line)) }
  return outputSink('consoleSink', output, ({ step, scalars, events }) => {
    const shown = (chosen ?? Object.keys(scalars)).filter((name) => Object.hasOwn(scalars, name))
    const numbers = shown.map((name) => `${name} ${Number(scalars[name].toPrecision(5))}`)
    const lines = events.map((event) => `step ${step}  ~ ${event.summary}`)
    if (seen++ % every === 0) lines.push(`step ${step}  ${numbers.join('  ')}`)
    return lines
  })
}

/**
 * One object of JSON per line: `step`, the numbers by name, and `events`. What is no finite number is
 * null, as JSON has it.
 *
 * @throws OptionError for what is no output.
 */
export function jsonlSink(output: SinkOutput): Sink {
  checkArgument('jsonlSink', 'output', output, anOutput)
  return outputSink('jsonlSink', output, ({ step, scalars, events }) =>
    utf8.encode(`${JSON.stringify({ step, ...scalars, events })}\n`),
  )
}

/** How a table goes on. */
export interface CsvSinkOptions {
  /**
   * Names of the columns after `step`, in order, where the table has its first line already, as when a run is
   * resumed. Unless given, the first record writes that line with its names.
   */
  readonly columns?: readonly string[]
}

/**
 * Comma-separated values (RFC 4180): a line of names, and a line for each record with `step`, its numbers and
 * the summaries of its events. A number that a record lacks is left empty.
 *
 * @throws OptionError for what is no output. `write` throws SinkError for a number without a column, and
 *   takes later records all the same.
 */
export function csvSink(output: SinkOutput, options: CsvSinkOptions = {}): Sink {
  checkArgument('csvSink', 'output', output, anOutput)
  checkOptions('csvSink', options, { columns: checks.list('a list of names', checks.text) })
  let { columns } = options
  return outputSink('csvSink', output, ({ step, scalars, events }: SinkRecord) => {
    const first = columns === undefined
    columns ??= Object.keys(scalars)
    const known = new Set(columns)
    const lost = Object.keys(scalars).find((name) => !known.has(name))
    if (lost !== undefined) {
      throw new SinkError(
        `csvSink: got a number called '${lost}' in step ${step}; expected one of the columns ${columns.join(', ')}. Give columns.`,
      )
    }
    const numbers = columns.map((name) => (Object.hasOwn(scalars, name) ? String(scalars[name]) : ''))
    const row = [String(step), ...numbers, events.map(({ summary }) => summary).join('; ')]
    const rows = first ? [['step', ...columns, 'events'], row] : [row]
    return utf8.encode(rows.map((fields) => `${fields.map(field).join(',')}\r\n`).join(''))
  })
}

const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
