/** Clients of every kind, good and bad, as a server meets them. */
import { connect, type Socket } from 'node:net'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'

/** What came of the requests of all clients. */
export interface Load {
  /** Requests that were answered, by status. */
  readonly statuses: Map<number, number>
  /** Requests that were given up on purpose, by the kind of client. */
  readonly broken: Map<string, number>
  /** Answers that were wrong: what was asked, and what came. */
  readonly wrong: string[]
  /** Seconds that short completions took while others did their worst, in the order in which they came. */
  readonly seconds: number[]
}

/** Asks until it is told to stop. Whatever fails while the server is down is no fault of it. */
export type Client = (state: ClientState) => Promise<void>

interface ClientState {
  readonly url: () => string
  readonly stop: AbortSignal
  /** Whether the server is up, as far as it is known. */
  readonly isUp: () => boolean
  readonly load: Load
  readonly random: RandomStream
}

/** Runs clients side by side, each with random numbers of its own. */
export async function runClients(
  clients: readonly Client[],
  seed: number,
  state: Omit<ClientState, 'random'>,
): Promise<void> {
  const alone = async (client: Client, i: number): Promise<void> => {
    const random = new RandomStream(keyFromSeed(seed)).named(`client ${i}`)
    while (!state.stop.aborted) {
      const before = state.url()
      try {
        await client({ ...state, random })
      } catch (error) {
        // A kill in the middle of a request ends its connection; so does the end of this run.
        const isSame = state.isUp() && state.url() === before
        if (isSame && !state.stop.aborted) state.load.wrong.push(`${client.name}: ${said(error)}`)
        await pause(20)
      }
    }
  }
  await Promise.all(clients.map(alone))
}

/** What an error says; of one of `fetch`, what is behind it. */
function said(error: unknown): string {
  const { cause = error } = error as Error
  return cause instanceof Error ? cause.message : String(error)
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

const add = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1)

async function ask(
  { url, load }: ClientState,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  const response = await fetch(`${url()}${path}`, {
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
    ...(signal && { signal }),
  })
  add(load.statuses, response.status)
  return response
}

const words = ['the boiler', 'a garden', 'seven', 'käse', '日本語', '{"', '\n\n', 'lorem ipsum dolor']
const somePrompt = (random: RandomStream): string =>
  Array.from({ length: 1 + random.below(6) }, () => words[random.below(words.length)]).join(' ')

/** Short completions, timed. */
export const asks: Client = async (state) => {
  const start = performance.now()
  const body = {
    model: 'life',
    prompt: somePrompt(state.random),
    max_tokens: 8,
    seed: state.random.below(1000),
  }
  const response = await ask(state, '/v1/completions', body)
  const answer = (await response.json()) as { choices?: readonly { text?: unknown }[] }
  if (response.status === 200) {
    state.load.seconds.push((performance.now() - start) / 1000)
    if (typeof answer.choices?.[0]?.text !== 'string')
      state.load.wrong.push(`asks: ${JSON.stringify(answer)}`)
  } else if (response.status === 429) await pause(50)
}

/** Streams that are read to their end. */
export const streams: Client = async (state) => {
  const messages = [{ role: 'user', content: somePrompt(state.random) }]
  const response = await ask(state, '/v1/chat/completions', {
    ...{ model: 'life', messages, max_tokens: 24, stream: true, n: 1 + state.random.below(2) },
  })
  const text = await response.text()
  if (response.status === 200 && !text.endsWith('data: [DONE]\n\n'))
    state.load.wrong.push(`streams: ${text.slice(-200)}`)
  if (response.status === 429) await pause(50)
}

/** Streams of which the client takes a little and goes. */
export const leaves: Client = async (state) => {
  const { random, load } = state
  const leave = new AbortController()
  const body = { model: 'life', prompt: somePrompt(random), max_tokens: 200, stream: true }
  const response = await ask(state, '/v1/completions', body, leave.signal)
  const reader = response.body?.getReader()
  for (let parts = random.below(4); parts > 0; parts--) await reader?.read()
  leave.abort()
  add(load.broken, 'left in the middle of an answer')
}

/** Bodies that are none, and fields that cannot be. */
export const nonsense: Client = async (state) => {
  const { random, load } = state
  const bodies: readonly [string, unknown][] = [
    ['/v1/completions', '{"model":"life","prompt":"a"'],
    ['/v1/completions', '[]'.repeat(1 + random.below(50))],
    ['/v1/completions', '['.repeat(20_000)],
    ['/v1/completions', { model: 'life', prompt: 'a', max_tokens: -random.below(9) - 1 }],
    ['/v1/completions', { model: 'other', prompt: 'a' }],
    ['/v1/completions', { model: 'life', prompt: [1e9], max_tokens: 1 }],
    ['/v1/chat/completions', { model: 'life', messages: 'Hello' }],
    ['/v1/chat/completions', { model: 'life', messages: [{ role: 'nobody', content: 'a' }] }],
    ['/v1/embeddings', { model: 'life', input: { deep: somePrompt(random) } }],
    ['/v1/learn', { text: '', domain: 'x' }],
    ['/v1/learn', { documents: Array.from({ length: 1000 }, () => ({ text: 'a' })) }],
    ['/tokenize', 'null'],
    ['/detokenize', { tokens: ['a', -1, 1e300] }],
    ['/v1/nothing', { a: 1 }],
  ]
  const [path, body] = bodies[random.below(bodies.length)]
  const response = await ask(state, path, body)
  const answer = (await response.json()) as { error?: { message?: unknown } }
  const { status } = response
  if (status < 400 || (status >= 500 && status !== 503) || typeof answer.error?.message !== 'string')
    load.wrong.push(`nonsense: ${path} ${JSON.stringify(body)?.slice(0, 100)}: ${status}`)
  await pause(2)
}

/** What costs little: tokens, embeddings, counters. */
export const looks: Client = async (state) => {
  const input = somePrompt(state.random)
  const paths: readonly [string, unknown?][] = [
    ['/tokenize', { content: input }],
    ['/v1/embeddings', { model: 'life', input }],
    ['/v1/models'],
    ['/health'],
    ['/metrics'],
  ]
  const response = await ask(state, ...paths[state.random.below(paths.length)])
  await response.arrayBuffer()
  if (![200, 429].includes(response.status)) state.load.wrong.push(`looks: ${response.status}`)
  await pause(2)
}

/** Uploads that stop in the middle, by a connection that breaks. */
export const breaks: Client = async ({ url, load, random }) => {
  const half = `{"text":"${'a'.repeat(1 + random.below(50_000))}`
  const socket = await connected(url())
  socket.write(request('/v1/learn', half, 2 * half.length))
  await pause(20)
  socket.destroy()
  add(load.broken, 'upload broken off')
  await pause(50)
}

/** Clients that send their headers a byte at a time, and go on until the server has had enough. */
export const dawdles: Client = async ({ url, load, stop }) => {
  const socket = await connected(url())
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.resume()
  socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
  const more = setInterval(() => socket.write('a'), 500)
  stop.addEventListener('abort', () => socket.destroy(), { once: true })
  await closed
  clearInterval(more)
  add(load.broken, 'headers a byte at a time')
}

/** Clients that ask for a long stream and never read it. */
export const deaf: Client = async ({ url, load }) => {
  const body = JSON.stringify({ model: 'life', prompt: 'a', max_tokens: 400, stream: true })
  const socket = await connected(url())
  socket.write(request('/v1/completions', body, body.length))
  await pause(3000)
  socket.destroy()
  add(load.broken, 'answer never read')
}

const request = (path: string, body: string, length: number): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`

/** A connection that reads nothing. What breaks it later is the purpose of whoever has it. */
function connected(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => resolve(socket))
    socket.pause()
    socket.on('error', reject)
  })
}
