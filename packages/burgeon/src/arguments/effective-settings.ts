/** What counts: a flag before the environment, that before the file of settings, and that before what is usual. */
import { type Command, InvalidArgumentError, type Option } from 'commander'
import type { EffectiveSetting } from '../commands/config.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import type { TerminalEnvironment } from '../terminal/terminal.ts'
import { printable } from '../terminal/terminal.ts'
import { UsageError } from '../terminal/usage-error.ts'

/** Options of the call itself, which no file and no variable of the environment says. */
const ofTheCall: readonly string[] = ['config', 'json']

/** Every setting of a command: its argument and its options. */
export function effectiveSettings(
  command: Command,
  { config }: LoadedConfig,
  environment: TerminalEnvironment,
): EffectiveSetting[] {
  const section = (config as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>)[
    command.name()
  ]
  const settle = (
    name: string,
    [given, usual]: readonly [unknown, unknown],
    read: (text: string) => unknown,
  ): EffectiveSetting => {
    const variable = variableOf(command.name(), name)
    const [text, own] = [environment[variable], section?.[name]]
    if (given !== undefined) return { name, variable, value: given, from: 'flag' }
    if (text) return { name, variable, value: valueIn(variable, text, read), from: 'environment' }
    if (own !== undefined) return { name, variable, value: own, from: 'file' }
    return { name, variable, value: usual, from: 'default' }
  }
  const [argument] = command.registeredArguments
  const options = command.options.filter((option) => !ofTheCall.includes(option.attributeName()))
  return [
    settle(argument.name(), [command.args[0], argument.defaultValue], (text) => text),
    ...options.map((option) => {
      const name = option.attributeName()
      const given = command.getOptionValueSource(name) === 'cli' ? command.opts()[name] : undefined
      return settle(name, [given, option.defaultValue], (text) => optionValue(option, text))
    }),
  ]
}

/** `BURGEON_SERVE_LEARN_SHARE` of `learnShare` of `serve`. */
const variableOf = (command: string, name: string): string =>
  `BURGEON_${command}_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`)}`.toUpperCase()

function optionValue(option: Option, text: string): unknown {
  if (option.isBoolean()) {
    if (text === 'true' || text === 'false') return text === 'true'
    throw new InvalidArgumentError('Expected true or false.')
  }
  return option.parseArg ? option.parseArg(text, option.defaultValue) : text
}

function valueIn(variable: string, text: string, read: (text: string) => unknown): unknown {
  try {
    return read(text)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new UsageError(`${variable}: got '${printable(text)}'. ${error.message}`, { cause: error })
  }
}
