/** The end of a session on terminal and page, the same for every command that learns. */
import { writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { LifeReport } from '../../report/life-report.ts'
import { renderReport } from '../../report/render-report.ts'
import { summaryOf } from '../../report/summary.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { count } from '../../terminal/quantities.ts'
import { pathArgument, shellCommand } from '../../terminal/shell-word.ts'
import { palette, printable } from '../../terminal/terminal.ts'

/** Prints where a session that the user has stopped can go on. */
export function printPause(
  step: number,
  { path, resumeCommand }: LifeReport['checkpoint'],
  { output }: CommandContext,
): void {
  output.write(
    `\nPaused after step ${count(step)}; saved in ${printable(path)}.\nGo on with: ${resumeCommand}\n`,
  )
}

/** Lines for the user that only one command has. */
interface OwnLines {
  /** Prompt for the command that speaks to the model. */
  readonly prompt: string
  /** Between the summary and where things are. */
  readonly before?: readonly string[]
  /** At the end. */
  readonly after?: readonly string[]
}

/** Writes the report page beside the checkpoint, and prints the summary and what to do next. */
export async function printReport(
  report: LifeReport,
  { prompt, before = [], after = [] }: OwnLines,
  { output, environment }: CommandContext,
): Promise<void> {
  const out = report.checkpoint.path
  const page = join(out, 'report.html')
  await writeFile(page, renderReport(report))
  const lines = [
    ...before,
    `Checkpoint  ${printable(out)}`,
    `Report      ${printable(relative('', page))}`,
    `Speak to it ${shellCommand('generate', '--from', pathArgument(out), '--prompt', prompt)}`,
    ...after,
  ]
  output.write(`\n${summaryOf(report, palette(output, environment))}\n${lines.join('\n')}\n`)
}
