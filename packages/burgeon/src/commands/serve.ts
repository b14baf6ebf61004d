/** `burgeon serve MODEL`: a model over HTTP, which learns what it is sent. */
import { readFile } from 'node:fs/promises'
import type * as Server from '@burgeon/server'
import type { ApiKey, Running, ServedModel, ServeOptions } from '@burgeon/server'
import { UnsupportedError } from '@burgeon/tensor'
import { broughtPath } from '../models/bring-model.ts'
import { openServed } from '../serving/open-served.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { count } from '../terminal/quantities.ts'
import { printable } from '../terminal/terminal.ts'
import { UsageError } from '../terminal/usage-error.ts'
import { exitCodes } from './exit-codes.ts'

export interface ServeCommandOptions {
  readonly host: string
  readonly port: number
  /** Name of the model for clients. */
  readonly name?: string
  /** File of keys. */
  readonly keys?: string
  /** Web pages that may ask. */
  readonly origin: readonly string[]
  readonly learnShare: number
  readonly readOnly: boolean
  readonly plain: boolean
}

/** The version that goes with this one. */
const server = { name: '@burgeon/server', version: '0.1.0' }

/** Runs the command: serves until a signal comes. Returns the exit code. */
export async function serve(
  path: string,
  options: ServeCommandOptions,
  context: CommandContext,
): Promise<number> {
  const { host, port, name, origin, learnShare, readOnly, plain } = options
  const { status, environment, stop } = context
  const note = (text: string): unknown => status.write(`burgeon: ${printable(text)}\n`)
  const keys = await keysOf(options.keys, environment)
  const { serve: listen } = await findServer()
  const served = await openServed(await broughtPath('serve', path, context), {
    ...{ readOnly, plain, note },
    ...(name !== undefined && { id: name }),
  })
  const running = await listen(served, {
    host,
    port,
    keys,
    origins: origin,
    learnShare,
    onFault: told(note),
  })
  status.write(greeting(served, running, keys.length > 0))
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
  status.write('Ending: requests at hand are answered, and what was learnt is saved.\n')
  await running.close()
  return exitCodes[String(stop.reason)] ?? 0
}

/** Stacks belong in the log of the machine, and to nobody who asks over HTTP. */
const told =
  (note: (text: string) => unknown): NonNullable<ServeOptions['onFault']> =>
  (error, requestId) =>
    note(
      `request ${requestId} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )

function greeting({ id, model, teacher }: ServedModel, { url }: Running, hasKeys: boolean): string {
  const key = hasKeys ? ' -H "Authorization: Bearer $BURGEON_API_KEY"' : ''
  const learns = teacher === undefined ? 'It does not learn.' : 'It learns what is sent to /v1/learn.'
  return [
    `${printable(id)}, ${count(model.parameters.size)} parameters, answers at ${url}/v1 until Ctrl-C. ${learns}`,
    `  curl ${url}/v1/completions${key} -H "Content-Type: application/json" -d '${JSON.stringify({ model: id, prompt: 'Once', max_tokens: 32 })}'`,
    '',
  ].join('\n')
}

/** The keys of a file, and the one of the environment, which may do everything. */
async function keysOf(
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

async function findServer(): Promise<Pick<typeof Server, 'serve'>> {
  try {
    return await import('@burgeon/server')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new UnsupportedError(
      `serve: the package ${server.name} is not installed; run npm i ${server.name}@${server.version}.`,
      { cause: error },
    )
  }
}
