/** Who may ask a server for what, as a command is told. */
import { readFile } from 'node:fs/promises'
import type { ApiKey } from '@burgeon/server'
import type { CommandContext } from '../../terminal/command-context.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'

/** The keys of a file, and the one of the environment, which may do everything. */
export async function keysOf(
  file: string | undefined,
  { BURGEON_API_KEY: own }: CommandContext['environment'],
): Promise<ApiKey[]> {
  const all: ApiKey[] = own ? [{ key: own, scopes: ['read', 'teach', 'admin'] }] : []
  if (file === undefined) return all
  const refuse = (cause?: unknown): never => {
    throw new UsageError(
      `serve: ${printable(file)} holds no keys; expected JSON such as [{ "key": "…", "scopes": ["read"] }].`,
      { cause },
    )
  }
  const text = await readFile(file, 'utf8').catch(refuse)
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch (error) {
    return refuse(error)
  }
  if (!Array.isArray(found) || found.length === 0) return refuse()
  return [...all, ...(found as ApiKey[])]
}
