/** `burgeon restore`: goes back to a checkpoint that was kept, as one of its own. */
import { restoreCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { carryAudit } from '../session/audit/carry-audit.ts'
import { resultsOf } from '../terminal/results.ts'
import { pathArgument, shellCommand } from '../terminal/shell-word.ts'
import { printable } from '../terminal/terminal.ts'
import type { CommandContext } from '../terminal/command-context.ts'

export interface RestoreOptions {
  /** Folder that holds it beside others. */
  readonly from: string
  /** Its number. */
  readonly kept: number
  /** Folder that is to hold it alone. */
  readonly out: string
  /** Prints one object of JSON. */
  readonly json: boolean
}

/** Runs the command. Returns the exit code. */
export async function restore(
  { from, kept, out, json }: RestoreOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  const [disk, to] = [nodeDisk(from), nodeDisk(out)]
  await restoreCheckpoint(disk, to, { kept })
  await carryAudit(disk, to, { kind: 'restored', data: { kept } }, Date.now())
  const go = shellCommand('learn', '-', '--resume', '--out', pathArgument(out))
  context.output.write(
    `Restored checkpoint ${kept} of ${printable(from)} into ${printable(out)}.\n` +
      `Go on with: ${go}\n` +
      'It learns standard input; name a file or a folder in the place of - to learn that.\n',
  )
  print({ from, kept, out })
  return 0
}
