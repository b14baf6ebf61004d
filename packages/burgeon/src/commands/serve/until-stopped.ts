/** Serves until a signal comes. */
import type * as Server from '@burgeon/server'
import type { ApiKey, Running, ServedModel, ServeOptions } from '@burgeon/server'
import type { CommandContext } from '../../terminal/command-context.ts'
import { count } from '../../terminal/quantities.ts'
import type { Results } from '../../terminal/results.ts'
import { printable } from '../../terminal/terminal.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ServeCommandOptions } from './serve.ts'

/** What goes on beside the server. */
export interface Beside {
  /** Goes on until the user stops. */
  run(running: Running): Promise<void>
  /** Called when the server has ended. */
  end?(): Promise<void>
}

/** What serving takes besides the model. */
export interface Means {
  readonly modules: typeof Server
  readonly keys: readonly ApiKey[]
  readonly options: ServeCommandOptions
  readonly context: CommandContext
  readonly print: Results['print']
  readonly turns?: Server.Turns
}

/** Serves until the user stops. Returns the exit code. */
export async function untilStopped(
  served: ServedModel,
  { modules, keys, options, context, print, turns }: Means,
  besides: readonly Beside[] = [],
): Promise<number> {
  const { host, port, origin, learnShare } = options
  const { status, stop } = context
  try {
    const running = await modules.serve(served, {
      ...{ host, port, keys, origins: origin, learnShare, onFault: told(noteTo(context)) },
      ...(turns && { turns }),
      ...(options.mcp && { mcp: await modules.loadMcp() }),
    })
    status.write(greeting(served, running, keys.length > 0))
    const { id, model, teacher } = served
    const how = { parameters: model.parameters.size, learns: teacher !== undefined, hasKeys: keys.length > 0 }
    print({ kind: 'listening', url: running.url, model: id, step: served.step(), ...how })
    const going = besides.map((beside) => beside.run(running))
    if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
    status.write('Ending: requests at hand are answered, and what was learnt is saved.\n')
    await Promise.all(going)
    await running.close()
  } finally {
    for (const beside of besides) await beside.end?.()
  }
  print({ kind: 'ended', step: served.step() })
  return exitCodes[String(stop.reason)] ?? 0
}

/** What tells the user something. */
export const noteTo =
  ({ status }: CommandContext): ((text: string) => void) =>
  (text) =>
    void status.write(`burgeon: ${printable(text)}\n`)

/** Stacks belong in the log of the machine, and to nobody who asks over HTTP. */
export const told =
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
    `  Dashboard: ${url}/`,
    `  curl ${url}/v1/completions${key} -H "Content-Type: application/json" -d '${JSON.stringify({ model: id, prompt: 'Once', max_tokens: 32 })}'`,
    '',
  ].join('\n')
}
