/** Commands that a file of settings speaks to, and `burgeon config`, which says what counts. */
import type { Command } from 'commander'
import { config as printConfig } from '../commands/config.ts'
import { loadConfig } from '../config/load-config.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { effectiveSettings } from './effective-settings.ts'
import { json } from './option-values.ts'

/** Commands that have settings. */
const configurable: readonly string[] = ['learn', 'serve']

/** Adds the option that names a file of settings. */
export function withConfig(command: Command): Command {
  return command
    .option(
      '--config <file>',
      'file of settings; burgeon.config.ts, .js, .mjs or .json of this folder unless given',
    )
    .addHelpText(
      'after',
      '\nEvery option may also stand in burgeon.config.ts or in a variable; npx burgeon config says which count.\n',
    )
}

/** What counts for a call of a command. */
export interface EffectiveValues {
  /** By name; what nobody said is not there. */
  readonly values: Readonly<Record<string, unknown>>
  /** Names of those that are flags of this call. */
  readonly given: ReadonlySet<string>
}

/**
 * @throws UsageError, OptionError for a file of settings that cannot be read, and for what is none in it or
 *   in the environment.
 */
export async function settingsIn(command: Command, context: CommandContext): Promise<EffectiveValues> {
  const loaded = await loadConfig(fileOf(command, context))
  const settings = effectiveSettings(command, loaded, context.environment)
  const said = settings.filter(({ value }) => value !== undefined).map(({ name, value }) => [name, value])
  return {
    values: { ...Object.fromEntries(said), json: command.opts<{ readonly json: boolean }>().json },
    given: new Set(settings.filter(({ from }) => from === 'flag').map(({ name }) => name)),
  }
}

/** Adds `burgeon config`. */
export function addConfig(program: Command, context: CommandContext, finish: (code: number) => void): void {
  const command = program
    .command('config')
    .description('print which settings count for learn and serve, and who said so')
    .addOption(json('print them as JSON'))
  withConfig(command).action(async ({ json }: { readonly json: boolean }) => {
    const loaded = await loadConfig(fileOf(command, context))
    const commands = program.commands
      .filter((each) => configurable.includes(each.name()))
      .map((each) => ({
        name: each.name(),
        settings: effectiveSettings(each, loaded, context.environment),
      }))
    finish(printConfig({ file: loaded.file, commands, json }, context))
  })
}

function fileOf(command: Command, { environment }: CommandContext): string | undefined {
  const { config = environment.BURGEON_CONFIG || undefined } = command.opts<{ readonly config?: string }>()
  return config
}
