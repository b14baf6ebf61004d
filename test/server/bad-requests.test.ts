/** No request ends the server, or is answered by anything but an error in the form that clients read. */
import { connect } from 'node:net'
import { serve } from '@burgeon/server'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { times } from '../how-long.ts'
import { asking, type Asked, lifeFolder, servedLife, smallServed } from './small-served.ts'
import { sensibleServed, table } from './sensible-served.ts'

/** Right bodies: every field is made wrong in turn. */
const right: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  '/v1/completions': {
    ...{
      model: 'life',
      prompt: 'a',
      max_tokens: 2,
      temperature: 1,
      top_p: 0.9,
      top_k: 4,
      min_p: 0.1,
      n: 1,
      seed: 1,
    },
    ...{ repetition_penalty: 1.1, presence_penalty: 0.1, frequency_penalty: 0.1, stop: ['x'], stream: false },
    ...{ logprobs: 1, user: 'me', echo: false, stream_options: { include_usage: true } },
  },
  '/v1/chat/completions': {
    ...{ model: 'life', messages: [{ role: 'user', content: 'a', name: 'me' }], max_tokens: 2 },
    ...{ max_completion_tokens: 2, logprobs: true, top_logprobs: 1, response_format: { type: 'text' } },
  },
  '/v1/embeddings': {
    model: 'life',
    input: ['a', 'b'],
    encoding_format: 'float',
    dimensions: 16,
    user: 'me',
  },
  '/tokenize': { content: 'a', model: 'life' },
  '/detokenize': { tokens: [97], model: 'life' },
  '/v1/growth/plan': { request: { kind: 'widenMlp', block: 'b0', to: 24 } },
  '/v1/growth': { request: { kind: 'pruneUnits', block: 'b0', drop: [0] }, reason: 'for a test' },
  '/v1/checkpoints': {},
  '/v1/feedback': {
    ...{ prompt: 'a', completion: 'b', choice: 0, key: 'k', name: 'n', label: false, score: 0, value: 'v' },
    ...{ dataType: 'CATEGORICAL', correction: null, comment: 'c', source: 's', weight: 1 },
    feedback_source: { type: 'app' },
  },
  '/v1/pieces': {
    ...{
      model: 'life',
      sense: 'grey',
      prompt: 'a',
      temperature: 1,
      top_k: 4,
      top_p: 0.9,
      seed: 1,
    },
  },
  '/v1/forecast': { model: 'life', table, steps: 2, level: 0.8, samples: 2, temperature: 1, seed: 1 },
  '/v1/explain': { model: 'life', prompt: 'a', answer: 'b', instead: 'c', experiences: 1 },
  '/v1/learn': { documents: [{ text: 'a', domain: 'b' }], domain: 'c' },
}

const growing = { ...servedLife, plateau: 8, maxParameters: 7500 }

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
const wrong: readonly unknown[] = [
  ...[
    null,
    true,
    -1,
    0,
    1.5,
    2 ** 53,
    1e308,
    'NaN',
    '',
    'x'.repeat(100_000),
    [],
    {},
    [null],
    [[]],
    [-1],
    [1.5],
  ],
  ...[{ a: 1 }, nested(30), nested(2000), '\0\ud800', ['x'.repeat(5000)], [{ role: 'root', content: [] }]],
]

/** Whether it is an answer, or an error in OpenAI's form that is the client's own. */
function expectKnown({ status, json, headers }: Asked, what: string): void {
  expect(headers.get('x-request-id'), what).not.toBeNull()
  if (status === 200 || status === 202) return
  expect(status, `${what}: ${JSON.stringify(json)}`).toBeGreaterThanOrEqual(400)
  expect(status, `${what}: ${JSON.stringify(json)}`).toBeLessThan(500)
  expect(Object.keys(json.error ?? {}).toSorted((a, b) => a.localeCompare(b))).toEqual([
    'code',
    'message',
    'param',
    'type',
  ])
}

test.each(Object.entries(right))(
  '%s: a right body is answered, and every field made wrong is its own mistake',
  async (path, body) => {
    const served = ['/v1/pieces', '/v1/forecast'].includes(path)
      ? await sensibleServed()
      : await smallServed(await lifeFolder(growing))
    const { ask } = await asking({}, served)
    // There is something to remember, so that what wants a step can have one.
    await ask('/v1/learn', { text: 'abc '.repeat(100) })
    expect((await ask(path, body)).status).toBe(200)
    for (const field of Object.keys(body)) {
      for (const value of wrong) {
        const what = `${field} = ${(JSON.stringify(value) ?? 'nothing').slice(0, 60)}`
        const asked = await ask(path, { ...body, [field]: value })
        expectKnown(asked, what)
        const { param } = asked.json.error ?? {}
        if (typeof param === 'string') expect(param.startsWith(field), `${what}: ${param}`).toBe(true)
      }
      const { [field]: _, ...rest } = body
      expectKnown(await ask(path, rest), `without ${field}`)
    }
    expect((await ask(path, { ...body, ['x'.repeat(500)]: 1 })).json.error?.code).toBe('unknown_parameter')
    // It goes on as if nothing had been.
    expect((await ask(path, body)).status).toBe(200)
  },
)

test('bodies that are too long, too deep, no JSON or no text are refused', async () => {
  const { ask } = await asking({ limits: { bodyBytes: 1000, depth: 8 } })
  const of = async (body: string): Promise<unknown> => {
    const asked = await ask('/tokenize', body)
    expectKnown(asked, body.slice(0, 40))
    return [asked.status, asked.json.error?.code]
  }
  expect(await of(JSON.stringify({ content: 'x'.repeat(2000) }))).toEqual([413, 'body_too_large'])
  expect(await of('['.repeat(9))).toEqual([400, 'too_deep'])
  expect(await of(`{"content": "${'['.repeat(50)}\\"${'{'.repeat(50)}"}`)).toEqual([200, undefined])
  for (const body of ['', '{', 'null', '[]', '"text"', '{"content":"a"} x', '{"content":"a",}'])
    expect((await ask('/tokenize', body)).status).toBe(400)
})

test('a body is counted as it comes, whatever was announced', async () => {
  const { app } = await asking({ limits: { bodyBytes: 1000 } })
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(500).fill(32))
      sent += 500
    },
  })
  const headers = { host: 'localhost', 'content-type': 'application/json', 'content-length': '10' }
  const request = new Request('http://localhost/tokenize', {
    method: 'POST',
    headers,
    body,
    duplex: 'half',
  } as RequestInit)
  const response = await app.fetch(request)
  expect(response.status).toBe(413)
  expect(sent).toBeLessThan(5000)
})

test('bytes that were changed anywhere are a mistake of the client, never of the server', async () => {
  const { ask } = await asking({}, await smallServed(await lifeFolder(growing)))
  const bodies = Object.entries(right)
  const change = fc.record({
    which: fc.nat(bodies.length - 1),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat(6),
    insert: fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom('"', '{', '[', '\\', ':', ',', '1e999', 'null', '\u0000'),
    ),
  })
  await fc.assert(
    fc.asyncProperty(change, async ({ which, at, remove, insert }) => {
      const [path, body] = bodies[which]
      const text = JSON.stringify(body)
      const place = Math.floor(at * text.length)
      const changed = text.slice(0, place) + insert + text.slice(place + remove)
      expectKnown(await ask(path, changed), `${path} ${changed}`)
    }),
    { numRuns: times(300, 20_000) },
  )
})

test('what is no HTTP is answered or closed, and a good request meanwhile is answered', async () => {
  const running = await serve(await smallServed(), { port: 0 })
  onTestFinished(() => running.close())
  const raw = (text: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(running.port, '127.0.0.1')
      let heard = ''
      socket.on('data', (more) => (heard += String(more)))
      socket.on('error', () => resolve(heard))
      socket.on('close', () => resolve(heard))
      socket.end(text)
    })
  const post = 'POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
  const strange = [
    'nonsense\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde`,
    `${post}Content-Length: 99999\r\n\r\n{"content"`,
    `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`,
    'GET /%00%ff..%2f..%2fetc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  ]
  for (const text of strange) {
    const heard = await raw(text)
    expect(
      heard === '' || /^HTTP\/1\.1 4\d\d /.test(heard),
      `${text.slice(0, 60)} → ${heard.slice(0, 60)}`,
    ).toBe(true)
    expect((await fetch(`${running.url}/health`)).status).toBe(200)
  }
})
