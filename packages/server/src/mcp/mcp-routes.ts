/**
 * The Model Context Protocol: what agents may do with the model, as tools, over streamable HTTP and without a
 * session. A tool asks the route that does the same, with the key of whoever called it: who may do what, and
 * every limit, is the same by either way.
 */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { Context } from 'hono'
import { z } from 'zod'
import { ApiError } from '../http/api-error.ts'
import { readJson } from '../http/read-json.ts'
import type { Limits } from '../limits.ts'
import type { Route } from '../routes/route.ts'
import type { Services } from '../services.ts'
import type { McpSdk } from './load-mcp.ts'

/** The parts as they are. */
interface Sdk {
  readonly McpServer: typeof McpServer
  readonly Transport: typeof WebStandardStreamableHTTPServerTransport
}

type Ask = (request: Request) => Response | Promise<Response>

/** What a tool answers. */
interface Said {
  // The SDK adds to it.
  [key: string]: unknown
  content: { type: 'text'; text: string }[]
  isError?: true
}

/** @param ask Answers a request as the whole server does. */
export function mcpRoutes(parts: McpSdk, limits: Limits, ask: Ask): Route[] {
  const sdk = parts as Sdk
  return [
    {
      method: 'post',
      path: '/mcp',
      scope: 'read',
      summary: 'Tools for agents: the Model Context Protocol.',
      async answer(c, services) {
        const parsedBody = await readJson(c, z.unknown(), limits)
        const server = toolsOf(sdk, c, services, ask)
        const transport = new sdk.Transport({ enableJsonResponse: true })
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

function toolsOf(sdk: Sdk, c: Context, { served, serverVersion }: Services, ask: Ask): McpServer {
  const server = new sdk.McpServer({ name: 'burgeon', version: serverVersion })
  server.registerTool(
    'generate',
    {
      description: `Goes on from a text with the model ${served.id}, which was trained to continue texts and not to follow orders.`,
      inputSchema: {
        prompt: z.string().describe('The text to go on from.'),
        max_tokens: z.number().int().min(1).optional().describe('Tokens to write at most; 16 unless given.'),
        temperature: z.number().min(0).optional().describe('0 takes the likeliest token each time.'),
        seed: z.number().int().optional().describe('Same seed, same text.'),
        stop: z.array(z.string()).optional().describe('Texts before which it ends.'),
      },
      annotations: { readOnlyHint: true },
    },
    (asked) =>
      answered(c, ask, '/v1/completions', { model: served.id, ...asked }, (body) => {
        const { choices } = body as { readonly choices: readonly { readonly text: string }[] }
        return choices[0].text
      }),
  )
  if (served.teacher !== undefined) {
    server.registerTool(
      'learn',
      {
        description: 'Teaches the model a text for good: its weights change, and what it learnt is saved.',
        inputSchema: {
          text: z.string().min(1).describe('The text to learn.'),
          domain: z.string().min(1).max(100).optional().describe('Where it belongs; taught unless given.'),
        },
        annotations: { readOnlyHint: false, destructiveHint: false },
      },
      (lesson) => answered(c, ask, '/v1/learn', lesson, (body) => JSON.stringify(body)),
    )
  }
  return server
}

/** Asks a route as whoever called the tool. What it refuses is for the model that called, so it reads the reason. */
async function answered(
  c: Context,
  ask: Ask,
  path: string,
  body: object,
  textOf: (body: unknown) => string,
): Promise<Said> {
  const headers = new Headers({ 'content-type': 'application/json' })
  for (const name of ['authorization', 'host', 'origin']) {
    const value = c.req.header(name)
    if (value !== undefined) headers.set(name, value)
  }
  const { signal } = c.req.raw
  const request = { method: 'POST', headers, body: JSON.stringify(body), signal }
  const response = await ask(new Request(new URL(path, c.req.url), request))
  const said: unknown = await response.json()
  if (response.ok) return { content: [{ type: 'text', text: textOf(said) }] }
  const { error } = said as { readonly error: { readonly message: string } }
  return { content: [{ type: 'text', text: error.message }], isError: true }
}
