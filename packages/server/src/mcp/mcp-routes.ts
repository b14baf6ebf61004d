/** The Model Context Protocol over streamable HTTP and without a session. */
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { Context } from 'hono'
import { z } from 'zod'
import { ApiError } from '../http/api-error.ts'
import { readJson } from '../http/read-json.ts'
import type { Limits } from '../limits.ts'
import type { Route } from '../routes/route.ts'
import type { McpSdk } from './load-mcp.ts'
import { type Ask, type Caller, mcpTools } from './mcp-tools.ts'

/** A transport of the SDK as it is. */
type Transport = typeof WebStandardStreamableHTTPServerTransport

/** @param ask Answers a request as the whole server does. */
export function mcpRoutes(sdk: McpSdk, limits: Limits, ask: Ask): Route[] {
  const Transport = sdk.Transport as Transport
  return [
    {
      method: 'post',
      path: '/mcp',
      scope: 'read',
      summary: 'Tools for agents: the Model Context Protocol.',
      async answer(c, services) {
        const parsedBody = await readJson(c, z.unknown(), limits)
        const server = mcpTools(sdk, services, callerOf(c), ask)
        const transport = new Transport({ enableJsonResponse: true })
        await server.connect(transport)
        try {
          return await transport.handleRequest(c.req.raw, { parsedBody })
        } finally {
          await server.close()
        }
      },
    },
    {
      method: 'get',
      path: '/mcp',
      scope: 'read',
      summary: 'No stream: nothing is said that nobody asked for.',
      answer() {
        throw new ApiError(405, 'there is no stream here; expected POST.', {
          code: 'method_not_allowed',
          headers: { Allow: 'POST' },
        })
      },
    },
  ]
}

/** Whoever called a tool over HTTP asks the routes with the key that came with the call. */
function callerOf(c: Context): Caller {
  const headers: Record<string, string> = {}
  for (const name of ['authorization', 'host', 'origin']) {
    const value = c.req.header(name)
    if (value !== undefined) headers[name] = value
  }
  return { base: c.req.url, headers, signal: c.req.raw.signal }
}
