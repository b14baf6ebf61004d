/** `burgeon sleep`: has a life sleep once, and says what it did. */
import { type SleptLife, sleepLife } from '../../session/sleep/sleep-life.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { count } from '../../terminal/quantities.ts'
import { resultsOf } from '../../terminal/results.ts'
import { pathArgument, shellCommand } from '../../terminal/shell-word.ts'
import { table } from '../../terminal/table.ts'
import { printable } from '../../terminal/terminal.ts'

export interface SleepCommandOptions {
  /** For how many steps it may do something. */
  readonly steps?: number
  /** Prints one object of JSON. */
  readonly json: boolean
}

/** Runs the command. Returns the exit code. */
export async function sleep(
  folder: string,
  { steps, json }: SleepCommandOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  const log = (line: string): void => void context.status.write(`burgeon: ${printable(line)}\n`)
  const slept = await sleepLife(folder, { log, ...(steps !== undefined && { steps }) })
  const { step, judges, house, operations, budget, jobs } = slept
  const lines = [
    `${printable(folder)} has slept after step ${count(step)}, and is saved.`,
    ...(jobs.length === 0 ? ['There was nothing to do.'] : [told(jobs)]),
    `On disk: ${house}.`,
    ...hints(folder, slept),
  ]
  context.output.write(`${lines.join('\n')}\n`)
  print({ folder, step, judges, house, operations, budget, jobs })
  return 0
}

const told = (jobs: SleptLife['jobs']): string =>
  table(
    ['job', '', 'what it did, or why not'],
    jobs.map(({ job, kept, reason }) => [
      printable(job),
      kept ? 'kept' : 'not kept',
      printable(reason.replaceAll('\n', ' ')),
    ]),
  )

/** What somebody can do about a sleep that could do little. */
function hints(folder: string, { judges, budget }: SleptLife): string[] {
  if (judges === 0) {
    return [
      'Nothing could judge what it learns asleep: it holds no text out, and no rows back. A life that is begun with --sleep-every holds rows back.',
    ]
  }
  if (budget > 0) return []
  const more = shellCommand('sleep', pathArgument(folder), '--steps', '1000')
  return [`Nothing was learnt since it slept last. It sleeps as if 1,000 steps had been made since:\n${more}`]
}
