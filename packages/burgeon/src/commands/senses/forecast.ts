/** `burgeon forecast FILE.csv`: what comes next in a table of numbers, by a model that has learnt such. */
import { readFile } from 'node:fs/promises'
import type { Forecast } from '@burgeon/senses'
import { broughtModel } from '../../models/open-model.ts'
import { findSenses } from '../../sources/media/find-senses.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { count } from '../../terminal/quantities.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { stoppable } from './stoppable-model.ts'
import { checkNoFile, writeNewFile } from './new-file.ts'
import { senseCalled, sensesOf } from '../../session/media/senses-of.ts'

/** How far, how sure, and where it is written. */
export interface ForecastCommandOptions {
  /** Checkpoint of the model. */
  readonly from: string
  /** Moments ahead. */
  readonly steps: number
  /** Share of what comes that lies within the band. */
  readonly level: number
  /** Continuations that are drawn. */
  readonly samples: number
  readonly temperature: number
  readonly seed: number
  /** File that is written; standard output unless given. */
  readonly out?: string
  readonly json: boolean
}

/** Runs the command. Returns the exit code. */
export async function forecast(
  file: string,
  { from, out, json, ...options }: ForecastCommandOptions,
  context: CommandContext,
): Promise<number> {
  const senses = await findSenses('forecast')
  if (out !== undefined) await checkNoFile('forecast', out)
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`forecast: ${printable(file)} cannot be read (${error.code ?? error.message}).`)
  })
  const { names, columns } = senses.readTable(bytes, file)
  const { model } = await broughtModel('forecast', from, context)
  const label = senses.labelOf(senses.series, [names.length])
  if (!sensesOf(model).some((sense) => sense.label === label)) senseCalled('forecast', model, label, from)
  const { stop } = context
  const next = await senses
    .forecast(stoppable(model), { channels: columns }, { ...options, signal: stop })
    .catch((error: unknown) => {
      if (stop.aborted) return null
      throw error
    })
  if (next === null) {
    context.status.write('Stopped before anything was foretold.\n')
    return exitCodes[String(stop.reason)] ?? 0
  }
  if (json) {
    const { steps, level } = options
    context.output.write(
      `${JSON.stringify({ model: from, file, steps, level, columns: byName(names, next) })}\n`,
    )
    if (out === undefined) return 0
  }
  const table = senses.writeTable(tableOf(names, next))
  if (out === undefined) {
    context.output.write(new TextDecoder().decode(table))
    return 0
  }
  await writeNewFile('forecast', out, table)
  if (!json) context.output.write(`Wrote ${printable(out)}: ${count(options.steps)} moments.\n`)
  return 0
}

/** Median and band of each column. */
function byName(names: readonly string[], { median, lower, upper }: Forecast): object {
  return Object.fromEntries(
    names.map((name, i) => [name, { median: [...median[i]], lower: [...lower[i]], upper: [...upper[i]] }]),
  )
}

/** A column for each median, and two behind it for its band. */
function tableOf(
  names: readonly string[],
  { median, lower, upper }: Forecast,
): { names: string[]; columns: Float64Array[] } {
  return {
    // What a field of names cannot hold is left out.
    names: names
      .map((name) => name.replaceAll(/[",\r\n]+/g, ' '))
      .flatMap((name) => [name, `${name} lower`, `${name} upper`]),
    columns: names.flatMap((_, i) => [median[i], lower[i], upper[i]]),
  }
}
