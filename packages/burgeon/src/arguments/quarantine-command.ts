/** `burgeon quarantine`: what it takes. */
import type { Command } from 'commander'
import {
  admitQuarantined,
  dropQuarantine,
  listQuarantine,
  type QuarantineOptions,
} from '../commands/guard/quarantine.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { json } from './option-values.ts'

/** Adds the command. */
export function addQuarantine(
  program: Command,
  context: CommandContext,
  finish: (code: number) => void,
): void {
  const command = program
    .command('quarantine')
    .description('decide about texts that a guard kept apart: they wait until somebody admits or drops them')
  const withLife = (one: Command): Command =>
    one.option('--from <folder>', 'folder of the life', 'life').addOption(json('print one object of JSON'))
  withLife(command.command('list').description('list the texts that wait, and why')).action(
    async (options: QuarantineOptions) => finish(await listQuarantine(options, context)),
  )
  withLife(
    command
      .command('admit')
      .description('have the life learn texts, whatever its guards say')
      .argument('<id...>', 'their names, as list prints them'),
  ).action(async (ids: readonly string[], options: QuarantineOptions) =>
    finish(await admitQuarantined(ids, options, context)),
  )
  withLife(
    command
      .command('drop')
      .description('let texts go for good')
      .argument('<id...>', 'their names, as list prints them'),
  ).action(async (ids: readonly string[], options: QuarantineOptions) =>
    finish(await dropQuarantine(ids, options, context)),
  )
}
