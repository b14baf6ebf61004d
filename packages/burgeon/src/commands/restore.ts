/** `burgeon restore`: goes back to a checkpoint that was kept, as one of its own. */
import { restoreCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import type { CommandContext } from './command-context.ts'

export interface RestoreOptions {
  /** Folder that holds it beside others. */
  readonly from: string
  /** Its number. */
  readonly kept: number
  /** Folder that is to hold it alone. */
  readonly out: string
}

/** Runs the command. Answers the exit code. */
export async function restore({ from, kept, out }: RestoreOptions, context: CommandContext): Promise<number> {
  await restoreCheckpoint(nodeDisk(from), nodeDisk(out), { kept })
  context.output.write(
    `Restored checkpoint ${kept} of ${from} into ${out}.\n` +
      `Go on with: npx burgeon learn FILE --resume --out ${out}\n`,
  )
  return 0
}
