/** A door: lets requests in as a server does, and has somebody else answer them. */
import { type Check, checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import type { AppOptions } from './app.ts'
import { ApiError, apiErrorOf } from './http/api-error.ts'
import { checkListen, listenFor, type ListenOptions, type Running } from './http/listen.ts'
import { limitsOf } from './limits.ts'
import { checkOrigin, checkScope, type DoorOptions, namedPages } from './security/doors.ts'
import { Keys } from './security/keys.ts'

/** Where a door listens, and whom it lets in. */
export interface ServeDoorOptions
  extends ListenOptions,
    Pick<AppOptions, 'keys' | 'hosts' | 'origins' | 'limits' | 'onFault'> {}

/** A request that was let in. */
export interface LetIn {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** What says who asks, and by which way, is left out. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Raised when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** Headers that are between a client and the door. */
const own = [
  ...['authorization', 'connection', 'content-length', 'cookie', 'host', 'keep-alive', 'origin', 'referer'],
  ...['sec-fetch-dest', 'sec-fetch-mode', 'sec-fetch-site', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]

const namesOrNull: Check<readonly string[] | null> = {
  expected: 'a list of names, or null',
  accepts: (value): value is readonly string[] | null =>
    value === null || (Array.isArray(value) && value.every((one) => typeof one === 'string')),
}

/** What a server has without a key, too. */
const isOpen = (path: string): boolean => path === '/health' || path === '/' || path.startsWith('/dashboard/')

/**
 * Listens as `serve` does, with the same keys, names and pages, and has `answer` answer. Who may only ask may ask for
 * everything: what is behind a door is changed by nobody who comes through it.
 *
 * @param answer Its answer is passed on as it is; what it throws becomes 500, an `ApiError` what that one says.
 * @throws OptionError as `serve`.
 */
export async function serveDoor(
  answer: (request: LetIn) => Promise<Response>,
  options: ServeDoorOptions = {},
): Promise<Running> {
  const who = 'serveDoor'
  checkArgument(who, 'answer', answer, checks.callback('a function of a request'))
  const anything = { expected: 'what its check says', accepts: (_: unknown): _ is never => true }
  checkOptions(who, options, {
    ...{ host: checks.text, port: anything, graceSeconds: anything, keys: anything, limits: anything },
    hosts: namesOrNull,
    ...{ origins: checks.list('a list of origins', checks.text), onFault: checks.callback() },
  })
  const { keys, origins = [], onFault } = options
  const hosts = checkListen(who, options, { keys: keys?.length ?? 0, hosts: options.hosts })
  const doors: DoorOptions = { keys: new Keys(keys === undefined ? [] : keys), hosts, origins }
  const limits = limitsOf(`${who}: limits`, options.limits)
  const state = { inFlight: 0, isEnding: false }

  const through = async (c: Context): Promise<Response> => {
    checkOrigin(c, doors)
    if (!isOpen(c.req.path)) checkScope(c, doors, 'read')
    if (state.isEnding) {
      throw new ApiError(503, 'the door is about to end.', { type: 'server_error', code: 'ending' })
    }
    if (state.inFlight >= limits.inFlight) {
      const details = { type: 'rate_limit_error', code: 'too_many_requests', headers: { 'Retry-After': '1' } }
      throw new ApiError(429, `there are ${limits.inFlight} requests already; ask again later.`, details)
    }
    state.inFlight++
    try {
      const { pathname, search } = new URL(c.req.url)
      const headers = Object.fromEntries(
        Object.entries(c.req.header()).filter(([name]) => !own.includes(name.toLowerCase())),
      )
      const body = await bodyOf(c, limits.bodyBytes)
      const { method, raw } = c.req
      const response = await answer({ method, path: pathname + search, headers, body, signal: raw.signal })
      return counted(response, () => state.inFlight--)
    } catch (error) {
      state.inFlight--
      throw error
    }
  }
  const app = new Hono()
  if (origins.length > 0) app.use(cors(namedPages(origins)))
  app.all('*', through)
  app.onError((error, c) => {
    const known = apiErrorOf(error)
    if (known.status >= 500 && !(error instanceof ApiError)) onFault?.(error, 'door')
    return c.json(known.body, known.status as 500, { ...known.headers })
  })
  return listenFor(
    who,
    {
      fetch: (request, connection) => app.fetch(request, connection),
      async drain() {
        state.isEnding = true
        while (state.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 10))
      },
    },
    options,
  )
}

async function bodyOf(c: Context, most: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length
    if (bytes > most)
      throw new ApiError(413, `the body is longer than ${most} bytes.`, { code: 'body_too_large' })
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}

/** The same answer, that calls `done` when its body has been read, or nobody wants it any more. */
function counted(response: Response, done: () => void): Response {
  if (response.body === null) {
    done()
    return response
  }
  const reader = response.body.getReader()
  let isCounted = true
  const end = (): void => {
    if (isCounted) done()
    isCounted = false
  }
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done: isDone, value } = await reader.read()
        if (!isDone) return controller.enqueue(value)
        controller.close()
      } catch (error) {
        controller.error(error)
      }
      end()
    },
    async cancel(reason) {
      end()
      await reader.cancel(reason)
    },
  })
  return new Response(body, response)
}
