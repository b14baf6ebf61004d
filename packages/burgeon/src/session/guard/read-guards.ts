/** Reads the file that says which guards a life has. */
import { readFile } from 'node:fs/promises'
import { UsageError } from '../../terminal/usage-error.ts'
import { guardFrom, type GuardSettings } from './guard-settings.ts'

/**
 * Guards by name, out of a file of JSON.
 *
 * @throws UsageError for a file that cannot be read or is no JSON; OptionError for a guard that does not exist.
 */
export async function readGuards(who: string, file: string): Promise<GuardSettings> {
  const refuse = (cause: unknown): never => {
    const why = cause instanceof SyntaxError ? 'is no JSON' : 'cannot be read'
    throw new UsageError(
      `${who}: the file of guards ${file} ${why}; expected JSON such as { "provenance": { "unknown": 0.2 }, "novelRepetition": {} }.`,
      { cause },
    )
  }
  const text = await readFile(file, 'utf8').catch(refuse)
  let settings: unknown
  try {
    settings = JSON.parse(text)
  } catch (error) {
    return refuse(error)
  }
  guardFrom(`${who}: ${file}`, settings as GuardSettings)
  return settings as GuardSettings
}
