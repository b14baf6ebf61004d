/** The Model Context Protocol over any transport of the SDK, such as standard input and output. */
import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import { type AppOptions, createApp } from '../app.ts'
import type { ServedModel } from '../served/served-model.ts'
import { serverVersion } from '../version.ts'
import type { McpSdk } from './load-mcp.ts'
import { mcpTools } from './mcp-tools.ts'

/** How the model behind the tools works. Whoever has the transport may use every tool. */
export type ConnectMcpOptions = Pick<AppOptions, 'limits' | 'turns' | 'learnShare' | 'onFault'>

/** Tools that are connected. */
export interface ConnectedMcp {
  /** Resolves when the other side is gone, or `close` was called. */
  readonly gone: Promise<void>
  /** Takes no more calls, lets those at hand end, and saves what was learnt. */
  close(): Promise<void>
}

/**
 * Connects the tools of a model, those of `/mcp`, to a transport that nobody else reaches: there are no keys.
 *
 * @param sdk What `loadMcp` returns.
 * @param transport Any transport of the SDK; `new sdk.Stdio()` is standard input and output, on which
 *   nothing else may be written then.
 * @throws OptionError for options out of range.
 * @example
 * ```ts
 * import { connectMcp, loadMcp } from '@burgeon/server'
 * const sdk = await loadMcp()
 * const { gone, close } = await connectMcp(served, sdk, new sdk.Stdio())
 * await gone
 * await close()
 * ```
 */
export async function connectMcp(
  served: ServedModel,
  sdk: McpSdk,
  transport: unknown,
  options: ConnectMcpOptions = {},
): Promise<ConnectedMcp> {
  checkArgument('connectMcp', 'sdk', sdk, anSdk)
  checkArgument('connectMcp', 'transport', transport, aTransport)
  checkArgument('connectMcp', 'options', options, checks.object('an object of options'))
  const { keys, mcp } = options as AppOptions
  if ((keys ?? mcp) !== undefined) {
    throw new OptionError('connectMcp: got keys or mcp; expected neither, for nobody else reaches it.')
  }
  const app = createApp(served, options)
  const left = new AbortController()
  const caller = { base: 'http://localhost', headers: { host: 'localhost' }, signal: left.signal }
  const server = mcpTools(sdk, { served, serverVersion }, caller, (request) => app.fetch(request))
  const gone = new Promise<void>((resolve) => {
    // The SDK has no other way to tell.
    Object.assign(server.server, { onclose: resolve })
  })
  await server.connect(transport)
  return {
    gone,
    async close() {
      await app.drain()
      await server.close()
      left.abort()
      await served.teacher?.close()
    },
  }
}

const anSdk = checks.role<McpSdk>('what loadMcp returns', 'McpServer', 'Transport', 'Stdio')
const aTransport = checks.role('a transport of the SDK', 'start', 'send', 'close')
