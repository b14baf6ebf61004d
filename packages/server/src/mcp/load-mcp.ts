import { UnsupportedError } from '@burgeon/tensor'

/**
 * The parts of the official SDK of the Model Context Protocol that a server takes. Their types are those of an
 * optional package, which whoever reads these need not have.
 */
export interface McpSdk {
  readonly McpServer: unknown
  readonly Transport: unknown
  /** Transport over standard input and output. */
  readonly Stdio: new () => unknown
}

/** The package, and the version that was tried. */
const sdk = '@modelcontextprotocol/sdk@1.32.2'

/**
 * Loads the SDK, an optional package, for `createApp({ mcp })`, `serve({ mcp })` and `connectMcp`.
 *
 * @throws UnsupportedError that says how it is installed, where it is not.
 * @example
 * ```ts
 * import { loadMcp, serve } from '@burgeon/server'
 * const running = await serve(served, { mcp: await loadMcp() })
 * ```
 */
export async function loadMcp(): Promise<McpSdk> {
  try {
    const { McpServer } = await import('@modelcontextprotocol/sdk/server/mcp.js')
    const { WebStandardStreamableHTTPServerTransport: Transport } = await import(
      '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
    )
    const { StdioServerTransport: Stdio } = await import('@modelcontextprotocol/sdk/server/stdio.js')
    return { McpServer, Transport, Stdio }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new UnsupportedError(`loadMcp: the SDK is not installed; run npm i ${sdk}.`, { cause: error })
  }
}
