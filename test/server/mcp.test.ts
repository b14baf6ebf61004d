/** `/mcp`: the SDK's own client against a server on a socket. Tools may what the key of their caller may. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { type ApiKey, loadMcp, serve } from '@burgeon/server'
import { expect, onTestFinished, test } from 'vitest'
import { running } from '../front-door/running.ts'
import { lifeFolder, smallServed } from './small-served.ts'

const [reader, teacher] = ['a-key-that-may-only-ask', 'a-key-that-may-teach-too']
const keys: readonly ApiKey[] = [
  { key: reader, scopes: ['read'] },
  { key: teacher, scopes: ['read', 'teach'] },
]
const mcp = await loadMcp()

/** The address of a server of a new small life. */
async function served(readOnly: boolean = false): Promise<string> {
  const server = await serve(await smallServed(undefined, readOnly), { keys, mcp, port: 0 })
  onTestFinished(() => server.close())
  return server.url
}

/** A client that has said hello with a key. */
async function clientOf(url: string, key?: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' })
  const requestInit = key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit }))
  onTestFinished(() => client.close())
  return client
}

/** What a tool says. */
async function called(client: Client, name: string, args: Record<string, unknown>) {
  const { content, isError = false } = await client.callTool({ name, arguments: args })
  return { isError, text: (content as { text: string }[])[0].text }
}

const post = (url: string, path: string, key: string, body: unknown): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  })

test('an agent generates and teaches, as the routes do', async () => {
  const url = await served()
  const client = await clientOf(url, teacher)
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['generate', 'learn'])
  const asked = { prompt: 'the quick', max_tokens: 6, temperature: 0 }
  const completion = await post(url, '/v1/completions', teacher, { model: 'life', ...asked })
  const { choices } = (await completion.json()) as { choices: { text: string }[] }
  expect(await called(client, 'generate', asked)).toEqual({ isError: false, text: choices[0].text })
  const lesson = await called(client, 'learn', { text: 'the quick brown fox. '.repeat(20), domain: 'foxes' })
  expect(lesson.isError).toBe(false)
  const { documents, step } = JSON.parse(lesson.text) as { documents: { saved: boolean }[]; step: number }
  expect(step).toBeGreaterThan(0)
  expect(documents[0].saved).toBe(true)
})

test('a key that may only ask teaches nothing, and without one nothing is told', async () => {
  const url = await served()
  const client = await clientOf(url, reader)
  expect(await called(client, 'generate', { prompt: 'a', max_tokens: 2 })).toMatchObject({ isError: false })
  const lesson = await called(client, 'learn', { text: 'the quick brown fox. '.repeat(20) })
  expect(lesson).toEqual({ isError: true, text: expect.stringContaining('does not allow to teach') })
  const models = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${reader}` } })
  expect(((await models.json()) as { data: { step: number }[] }).data[0].step).toBe(0)
  await expect(clientOf(url)).rejects.toThrow(/401|no key/)
  await expect(clientOf(url, 'a-key-that-nobody-knows')).rejects.toThrow(/401|no key/)
})

test('what a tool cannot do is told to the model that called it, and the server goes on', async () => {
  const url = await served(true)
  const client = await clientOf(url, teacher)
  // A model that does not learn has no tool for it.
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['generate'])
  expect((await called(client, 'learn', { text: 'a' })).isError).toBe(true)
  expect((await called(client, 'generate', { prompt: 7 })).isError).toBe(true)
  const long = await called(client, 'generate', { prompt: 'far too long '.repeat(40) })
  expect(long).toEqual({ isError: true, text: expect.stringMatching(/prompt/) })
  for (const body of [
    null,
    7,
    [],
    {},
    { jsonrpc: '2.0' },
    [[]],
    { jsonrpc: '2.0', id: 1, method: 'no/such' },
  ]) {
    const { status } = await post(url, '/mcp', teacher, body)
    expect(status, JSON.stringify(body)).toBeLessThan(500)
  }
  const plain = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain', authorization: `Bearer ${teacher}` },
    body: '{}',
  })
  expect(plain.status).toBe(415)
  const stream = await fetch(`${url}/mcp`, { headers: { authorization: `Bearer ${teacher}` } })
  expect([stream.status, stream.headers.get('allow')]).toEqual([405, 'POST'])
  expect(await called(client, 'generate', { prompt: 'a', max_tokens: 2 })).toMatchObject({ isError: false })
})

test('burgeon serve has it with --mcp, and not without', async () => {
  for (const [more, status] of [
    [['--mcp'], 405],
    [[], 404],
  ] as const) {
    const folder = await lifeFolder()
    const server = running(['serve', folder, '--port', '0', '--json', ...more], folder)
    await server.says('output', /\n/)
    const { url } = JSON.parse(server.said.output) as { url: string }
    expect((await fetch(`${url}/mcp`)).status).toBe(status)
  }
})
