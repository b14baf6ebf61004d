/** `burgeon init`: what it takes. */
import type { Command } from 'commander'
import { init, type InitOptions } from '../commands/init/init.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { json } from './option-values.ts'

/** Adds the command. */
export function addInit(program: Command, context: CommandContext, finish: (code: number) => void): void {
  program
    .command('init')
    .description('write a file of settings for this folder, after a few questions')
    .option('-y, --yes', 'ask nothing and take what is usual', false)
    .option('--force', 'overwrite a file of settings without asking', false)
    .addOption(json('ask nothing and print one object of JSON'))
    .action(async (options: InitOptions) => finish(await init(options, context)))
}
