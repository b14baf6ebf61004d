/** `/mcp` and `burgeon mcp`: the SDK's own client against a server on a socket, and against a command that it starts. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { type ApiKey, connectMcp, loadMcp, serve } from '@burgeon/server'
import { nodeDisk } from '@burgeon/gpt/node'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { loadLife } from 'burgeon/session'
import { describe, expect, onTestFinished, test } from 'vitest'
import { commandLine, running } from '../front-door/running.ts'
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

describe('burgeon mcp', () => {
  /** A client that starts the command for a life, and what stands among its status. */
  async function started(
    folder: string,
    ...more: readonly string[]
  ): Promise<{ client: Client; transport: StdioClientTransport }> {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [...commandLine, 'mcp', folder, ...more],
      stderr: 'pipe',
    })
    const client = new Client({ name: 'test', version: '1' })
    // A line that is no message of the protocol would be an error here.
    Object.assign(client, { onerror: (error: Error) => expect.fail(error.message) })
    await client.connect(transport)
    onTestFinished(() => client.close())
    return { client, transport }
  }

  test('has the tools for whoever starts it, and what it learnt is saved when it ends', async () => {
    const folder = await lifeFolder()
    const { client, transport } = await started(folder)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['generate', 'learn'])
    expect(await called(client, 'generate', { prompt: 'the', max_tokens: 4 })).toMatchObject({
      isError: false,
    })
    const lesson = await called(client, 'learn', {
      text: 'the quick brown fox. '.repeat(20),
      domain: 'foxes',
    })
    const { step } = JSON.parse(lesson.text) as { step: number }
    expect(step).toBeGreaterThan(0)
    // Another one must not learn into the same folder.
    const second = running(['mcp', folder], folder)
    expect(await second.ended).toBe(1)
    expect(second.said).toMatchObject({ output: '', status: expect.stringMatching(/already|another/) })
    const { pid } = transport
    await client.close()
    await expect.poll(() => isThere(pid)).toBe(false)
    const { learner, record } = await loadLife(nodeDisk(folder))
    expect(learner.step).toBe(step)
    expect(record.spans.map(({ domain }) => domain)).toContain('foxes')
  })

  test('ends by itself when its input ends, or a signal comes', async () => {
    const folder = await lifeFolder()
    const first = running(['mcp', folder], folder)
    first.child.stdin.end()
    expect(await first.ended).toBe(0)
    const hello = { jsonrpc: '2.0', id: 1, method: 'ping' }
    const second = running(['mcp', folder, '--read-only'], folder)
    second.child.stdin.write(`${JSON.stringify(hello)}\n`)
    await second.says('output', /"id":1/)
    second.child.kill('SIGTERM')
    expect(await second.ended).toBe(143)
    for (const line of second.said.output.trim().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' })
  })

  test('teaches nothing with --read-only', async () => {
    const { client } = await started(await lifeFolder(), '--read-only')
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['generate'])
  })
})

test('any transport of the SDK will do, and a call that is taken back ends', async () => {
  const [here, there] = InMemoryTransport.createLinkedPair()
  const connected = await connectMcp(await smallServed(), mcp, there)
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(here)
  const stop = new AbortController()
  const long = { name: 'generate', arguments: { prompt: 'a', max_tokens: 1, temperature: 0 } }
  expect(await client.callTool(long)).toMatchObject({ content: [{ type: 'text' }] })
  const called = client.callTool({ ...long, arguments: { prompt: 'a', max_tokens: 60 } }, undefined, {
    signal: stop.signal,
  })
  stop.abort()
  await expect(called).rejects.toThrow(/abort/i)
  await client.close()
  await connected.gone
  await connected.close()
})

const isThere = (pid: number | null): boolean => {
  try {
    return pid !== null && process.kill(pid, 0)
  } catch {
    return false
  }
}
