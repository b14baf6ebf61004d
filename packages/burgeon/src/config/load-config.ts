/** Finds the file of settings and reads it. It may be a program: one is only run from the working folder, or by name. */
import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { printable } from '../terminal/terminal.ts'
import { UsageError } from '../terminal/usage-error.ts'
import { type BurgeonConfig, checkConfig } from './define-config.ts'

/** Settings, and where they come from. */
export interface LoadedConfig {
  /** As it was named, or as it was found; null without a file. */
  readonly file: string | null
  readonly config: BurgeonConfig
}

/** Names that are looked for in the working folder. */
export const configNames: readonly string[] = ['ts', 'mts', 'js', 'mjs', 'json'].map(
  (end) => `burgeon.config.${end}`,
)

/**
 * Reads the file that is named, or the one in the working folder; without either there are no settings.
 *
 * @throws UsageError, OptionError for a file that cannot be read or run, or holds what is no setting; and for
 *   two files in the working folder.
 */
export async function loadConfig(named?: string): Promise<LoadedConfig> {
  const [file, second] = named === undefined ? configNames.filter(isFile) : [named]
  if (file === undefined) return { file: null, config: {} }
  if (second !== undefined) {
    throw new UsageError(`got ${file} and ${second} in one folder; expected one of them, or --config FILE.`)
  }
  const shown = printable(file)
  if (!isFile(file)) throw new UsageError(`${shown}: there is no such file of settings.`)
  const config: unknown = await (file.endsWith('.json') ? fromJson(file, shown) : fromModule(file, shown))
  checkConfig(shown, config as BurgeonConfig)
  return { file, config: config as BurgeonConfig }
}

async function fromJson(file: string, shown: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw unreadable(shown, error)
  }
}

async function fromModule(file: string, shown: string): Promise<unknown> {
  if (/\.[cm]?ts$/.test(file) && !process.features.typescript) {
    throw new UsageError(
      `${shown}: Node ${process.versions.node} cannot run TypeScript; expected Node 22.18 or later, or a file that ends in .js, .mjs or .json.`,
    )
  }
  const { default: config } = (await import(String(pathToFileURL(resolve(file)))).catch((error: unknown) => {
    throw unreadable(shown, error)
  })) as { readonly default?: unknown }
  if (config !== undefined) return config
  throw new UsageError(`${shown} exports no settings; expected export default defineConfig({ … }).`)
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true

/** What a program throws may be anything. */
function unreadable(shown: string, cause: unknown): UsageError {
  const { message = String(cause) } = cause as Partial<Error>
  return new UsageError(`${shown}: ${printable(message)}`, { cause })
}
