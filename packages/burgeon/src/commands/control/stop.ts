/** `burgeon stop LIFE`: the stop switch. */
import { releaseLife, stopLife, stopOf } from '../../session/control/stop-file.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { resultsOf } from '../../terminal/results.ts'
import { pathArgument, shellCommand } from '../../terminal/shell-word.ts'
import { printable } from '../../terminal/terminal.ts'
import { requireFolder } from '../life/require-folder.ts'

export interface StopOptions {
  /** Whose decision it is. */
  readonly by: string
  /** Lets it learn again. */
  readonly release: boolean
  /** Prints one object of JSON. */
  readonly json: boolean
}

/** Stops a life, or lets it learn again. Returns the exit code. */
export async function stop(
  folder: string,
  { by, release, json }: StopOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  requireFolder('stop', folder)
  const before = stopOf(folder)
  if (release) {
    await releaseLife(folder)
    const was = before === null ? 'was not stopped' : `was stopped by ${printable(before.by)}`
    context.output.write(`${printable(folder)} ${was}, and may learn.\n`)
  } else {
    if (before === null) await stopLife(folder, { by })
    const again = shellCommand('stop', pathArgument(folder), '--release')
    context.output.write(
      `${printable(folder)} is stopped: who learns there ends within a step, and it answers as it does now. It learns again after\n${again}\n`,
    )
  }
  print({ folder, stopped: stopOf(folder) })
  return 0
}
