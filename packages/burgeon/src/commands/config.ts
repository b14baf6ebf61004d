/** `burgeon config`: which settings count, and who said so. */
import { pathArgument } from '../terminal/shell-word.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { table } from '../terminal/table.ts'
import { palette, printable } from '../terminal/terminal.ts'

/** A value that counts, and who said so. */
export interface EffectiveSetting {
  readonly name: string
  /** Undefined where nobody said anything, and nothing is usual. */
  readonly value: unknown
  readonly from: 'flag' | 'environment' | 'file' | 'default'
  /** The variable of the environment that may say it. */
  readonly variable: string
}

export interface ConfigOptions {
  /** File of settings; null where there is none. */
  readonly file: string | null
  readonly commands: readonly { readonly name: string; readonly settings: readonly EffectiveSetting[] }[]
  readonly json: boolean
}

/** Runs the command. Returns the exit code. */
export function config({ file, commands, json }: ConfigOptions, context: CommandContext): number {
  const { output, environment } = context
  const hasKey = Boolean(environment.BURGEON_API_KEY)
  if (json) {
    const settings = commands.map(({ name, settings: own }) => [
      name,
      Object.fromEntries(own.map((each) => [each.name, jsonOf(each)])),
    ])
    output.write(`${JSON.stringify({ file, hasKey, ...Object.fromEntries(settings) })}\n`)
    return 0
  }
  const { strong, faint } = palette(output, environment)
  const sayer = ({ from, variable }: EffectiveSetting): string => {
    if (from === 'environment') return variable
    if (from === 'file') return printable(file ?? '')
    return faint('unless given')
  }
  const sections = commands.map(({ name, settings }) => {
    const lines = settings.map((each) => [each.name, shownValue(each.value), sayer(each)])
    return `${strong(name)}\n${table(['setting', 'value', 'said by'], lines)}`
  })
  const source = file === null ? 'No file of settings.' : `Settings of ${printable(pathArgument(file))}.`
  const key = `BURGEON_API_KEY is ${hasKey ? 'set' : 'not set'}.`
  output.write(`${source} ${key}\n\n${sections.join('\n\n')}\n`)
  return 0
}

/** What nobody said is null. */
const jsonOf = ({ value = null, from, variable }: EffectiveSetting): object => ({
  ...{ value: typeof value === 'string' ? withoutSecret(value) : value, from, variable },
})

/** An address without the name and password in it. */
const withoutSecret = (text: string): string => text.replace(/^([a-z]+:\/\/)[^@/]*@/, '$1…@')

function shownValue(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return '–'
  if (Array.isArray(value)) return printable(value.join(', '))
  return typeof value === 'string' ? printable(withoutSecret(value)) : JSON.stringify(value)
}
