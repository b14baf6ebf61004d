/** `burgeon stop` and `burgeon approve`: what they take. */
import type { Command } from 'commander'
import { approve, type ApproveOptions } from '../commands/control/approve.ts'
import { stop, type StopOptions } from '../commands/control/stop.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { json } from './option-values.ts'

/** Adds the commands. */
export function addControl(program: Command, context: CommandContext, finish: (code: number) => void): void {
  program
    .command('stop')
    .description(
      'stop a life: nothing changes its weights, also after a restart, until it is released; it still answers',
    )
    .argument('[folder]', 'folder of the life', 'life')
    .option('--by <name>', 'whose decision it is', 'the command line')
    .option('--release', 'let it learn again', false)
    .addOption(json('print one object of JSON'))
    .action(async (folder: string, options: StopOptions) => finish(await stop(folder, options, context)))
  program
    .command('approve')
    .description('list what waits for approval by the policy of a life, or decide about one of it')
    .argument('[folder]', 'folder of the life', 'life')
    .argument('[id]', 'name of a request, as the list has it')
    .option('--by <name>', 'whose decision it is')
    .option('--refuse', 'say no', false)
    .addOption(json('print one object of JSON'))
    .action(async (folder: string, id: string | undefined, options: ApproveOptions) =>
      finish(await approve(folder, id, options, context)),
    )
}
