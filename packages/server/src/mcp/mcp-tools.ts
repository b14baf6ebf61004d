/**
 * What agents may do with a model, as tools of the Model Context Protocol. A tool asks the route that does the
 * same, with the key of whoever called it: who may do what, and every limit, is the same by either way.
 */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'
import type { Services } from '../services.ts'
import type { McpSdk } from './load-mcp.ts'

/** Answers a request as the whole server does. */
export type Ask = (request: Request) => Response | Promise<Response>

/** Whoever calls tools. */
export interface Caller {
  /** Address that the routes are asked by. */
  readonly base: string
  /** Headers that say who it is. */
  readonly headers: Readonly<Record<string, string>>
  /** Raised when nobody waits for what was called. */
  readonly signal: AbortSignal
}

/** What a tool answers. */
interface Said {
  // The SDK adds to it.
  [key: string]: unknown
  content: { type: 'text'; text: string }[]
  isError?: true
}

/**
 * A server of the SDK with the tools of a model.
 *
 * @param ask Answers a request as the whole server does.
 */
export function mcpTools(
  sdk: McpSdk,
  { served, serverVersion }: Pick<Services, 'served' | 'serverVersion'>,
  caller: Caller,
  ask: Ask,
): McpServer {
  const Server = sdk.McpServer as typeof McpServer
  const server = new Server({ name: 'burgeon', version: serverVersion })
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
    (asked, { signal }) =>
      answered(within(caller, signal), ask, '/v1/completions', { model: served.id, ...asked }, (body) => {
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
      (lesson, { signal }) =>
        answered(within(caller, signal), ask, '/v1/learn', lesson, (body) => JSON.stringify(body)),
    )
  }
  return server
}

/** Asks a route as whoever called the tool. What it refuses is for the model that called, so it reads the reason. */
async function answered(
  { base, headers, signal }: Caller,
  ask: Ask,
  path: string,
  body: object,
  textOf: (body: unknown) => string,
): Promise<Said> {
  const request = {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  }
  const response = await ask(new Request(new URL(path, base), request))
  const said: unknown = await response.json()
  if (response.ok) return { content: [{ type: 'text', text: textOf(said) }] }
  const { error } = said as { readonly error: { readonly message: string } }
  return { content: [{ type: 'text', text: error.message }], isError: true }
}

/** A caller that may also take back one call. */
const within = (caller: Caller, signal: AbortSignal): Caller => ({
  ...caller,
  signal: AbortSignal.any([caller.signal, signal]),
})
