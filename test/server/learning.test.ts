/** What a server is taught: the same as `burgeon learn` would, on disk before it answers, and never under a text. */
import { nodeDisk } from '@burgeon/gpt/node'
import { createApp } from '@burgeon/server'
import { loadLife } from 'burgeon/session'
import { batches } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { expect, test } from 'vitest'
import { asking, fillableDisk, lifeFolder, servedLife, smallServed } from './small-served.ts'

const text = 'the quick brown fox jumps over the lazy dog. '.repeat(20)

/** Weights of a life that learnt texts without a server. */
async function learntByHand(texts: readonly string[]): Promise<number[][]> {
  const { learner, settings } = await loadLife(nodeDisk(await lifeFolder()))
  for (const one of texts) {
    const chunks = [{ domain: 'taught', tokens: new TextEncoder().encode(one), positionAfter: () => null }]
    const shape = { rows: settings.rows, length: settings.model.context }
    for await (const { batch } of batches(chunks, shape)) await learner.observe(batch)
  }
  return weightsOf(learner.model)
}

const weightsOf = (model: Gpt): number[][] =>
  [...model.parameters].map(({ tensor }) => [...tensor.readSync()])

test('is learnt to the same bits as without a server, and is on disk when it is answered', async () => {
  const folder = await lifeFolder()
  const { ask, served } = await asking({}, await smallServed(folder))
  const before = await ask('/version')
  const { status, json, headers } = await ask('/v1/learn', { text })
  expect(status).toBe(200)
  const bytes = new TextEncoder().encode(text).length
  expect(json).toMatchObject({
    object: 'lesson',
    step: 4,
    documents: [{ bytes: bytes - 1, steps: 4, saved: true }],
  })
  const [{ bits_per_byte: bits }] = json['documents'] as { bits_per_byte: number }[]
  expect(bits).toBeGreaterThan(3)
  expect(bits).toBeLessThan(9)
  expect(json['weights_version']).not.toBe(before.json['weights_version'])
  expect(headers.get('x-burgeon-weights-version')).toBe(json['weights_version'])
  const wanted = await learntByHand([text])
  expect(weightsOf(served.model)).toEqual(wanted)
  const { learner, record } = await loadLife(nodeDisk(folder))
  expect(weightsOf(learner.model)).toEqual(wanted)
  expect(record.bytes).toBe(bytes - 1)
  expect(record.spans.map(({ domain }) => domain)).toEqual(['taught'])
})

test('a full disk is said, costs nothing that was learnt, and is forgotten when there is room again', async () => {
  const folder = await lifeFolder()
  const real = nodeDisk(folder)
  const room = fillableDisk(folder, 'write')
  room.isFull = true
  const notes: string[] = []
  const note = (line: string): unknown => notes.push(line)
  const { ask, served } = await asking({}, await smallServed(folder, false, { disk: room.disk, note }))
  const { status, json } = await ask('/v1/learn', { text })
  expect(status).toBe(200)
  const [{ saved, events }] = json['documents'] as { saved: boolean; events: string[] }[]
  expect(saved).toBe(false)
  expect(events.join()).toContain('ENOSPC')
  expect(notes.join()).toContain('ENOSPC')
  expect((await loadLife(real)).learner.step).toBe(0)
  room.isFull = false
  await served.teacher?.close()
  expect((await loadLife(real)).learner.step).toBe(4)
})

test('documents are learnt in order, each in its domain; lessons that come together wait for each other', async () => {
  const folder = await lifeFolder()
  const { ask, served } = await asking({}, await smallServed(folder))
  const documents = [{ text, domain: 'foxes' }, { text: 'a b c d e f g. '.repeat(10) }]
  const asked = await Promise.all([
    ask('/v1/learn', { documents, domain: 'letters' }),
    ask('/v1/learn', { text }),
  ])
  expect(asked.map(({ status }) => status)).toEqual([200, 200])
  const { record } = await loadLife(nodeDisk(folder))
  expect(record.spans.map(({ domain }) => domain)).toEqual(['foxes', 'letters', 'taught'])
  expect(served.step()).toBe(asked[1].json['step'])
})

test('a text is written by the weights of its first token, whatever is learnt meanwhile', async () => {
  const { app, ask, served } = await asking()
  const request = { model: 'life', prompt: 'The', max_tokens: 40, seed: 2 }
  const quiet = await ask('/v1/completions', request)
  const stream = await app.fetch(
    new Request('http://localhost/v1/completions', {
      method: 'POST',
      headers: { host: 'localhost', 'content-type': 'application/json' },
      body: JSON.stringify({ ...request, stream: true }),
    }),
  )
  const version = stream.headers.get('x-burgeon-weights-version')
  const [learnt, written] = await Promise.all([ask('/v1/learn', { text }), stream.text()])
  expect(learnt.json['step']).toBe(4)
  const pieces = written.split('\n\n').filter((line) => line.startsWith('data: {'))
  const text2 = pieces.map((line) => (JSON.parse(line.slice(6)) as Chunk).choices[0].text).join('')
  expect(text2).toBe((quiet.json['choices'] as Chunk['choices'])[0].text)
  expect(version).toBe(quiet.json['system_fingerprint'])
  const later = await ask('/v1/completions', request)
  expect(later.json['system_fingerprint']).not.toBe(version)
  expect(served.step()).toBe(4)
})

interface Chunk {
  readonly choices: readonly { readonly text: string }[]
}

test('what it is taught, it knows', async () => {
  const settings = {
    ...servedLife,
    model: { ...servedLife.model, embed: 32, mlpHidden: 64 },
    maxParameters: 100_000,
  }
  const { ask } = await asking({}, await smallServed(await lifeFolder(settings)))
  const request = { model: 'life', prompt: 'the quick bro', max_tokens: 9, temperature: 0 }
  const said = async (): Promise<string> =>
    ((await ask('/v1/completions', request)).json['choices'] as Chunk['choices'])[0].text
  expect(await said()).not.toBe('wn fox ju')
  await ask('/v1/learn', { text: 'the quick brown fox jumps over the lazy dog. '.repeat(500) })
  expect(await said()).toBe('wn fox ju')
})

test('a model that is no life, and a life that is left as it is, say so', async () => {
  const folder = await lifeFolder()
  const { ask, served } = await asking({}, await smallServed(folder, true))
  expect(served.teacher).toBeUndefined()
  expect((await ask('/v1/learn', { text })).json.error).toMatchObject({ code: 'does_not_learn' })
  expect((await ask('/v1/completions', { model: 'life', prompt: 'a', max_tokens: 1 })).status).toBe(200)
})

test('what the learner refuses is an error of the server, and the next lesson is learnt', async () => {
  const served = await smallServed()
  const { teacher } = served
  let fails = true
  const broken = {
    ...served,
    teacher: {
      learn: (...args: Parameters<NonNullable<typeof teacher>['learn']>) =>
        fails ? Promise.reject(new TypeError('a secret of the server')) : (teacher?.learn(...args) as never),
      close: () => Promise.resolve(),
    },
  }
  const faults: unknown[] = []
  const { ask } = await asking({ onFault: (error) => faults.push(error) }, broken)
  const { status, json } = await ask('/v1/learn', { text })
  expect([status, json.error?.type]).toEqual([500, 'server_error'])
  expect(JSON.stringify(json)).not.toContain('secret')
  expect(faults).toHaveLength(1)
  fails = false
  expect((await ask('/v1/learn', { text })).status).toBe(200)
})

test('a server that ends answers nothing new that is heavy, and saves', async () => {
  const folder = await lifeFolder()
  const served = await smallServed(folder)
  const { ask, app } = await asking({}, served)
  const lesson = ask('/v1/learn', { text })
  await new Promise((resolve) => setImmediate(resolve))
  const drained = app.drain()
  const refused = await ask('/v1/completions', { model: 'life', prompt: 'a' })
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  expect((await ask('/health')).status).toBe(503)
  expect((await lesson).status).toBe(200)
  await drained
  expect((await loadLife(nodeDisk(folder))).learner.step).toBe(4)
})

test('a client that leaves before the first piece, or between two, leaves nothing behind', async () => {
  const { app, ask } = await asking()
  const held = async (): Promise<string> => String((await ask('/metrics')).json['text'])
  for (const pieces of [0, 2]) {
    const response = await app.fetch(
      new Request('http://localhost/v1/completions', {
        method: 'POST',
        headers: { host: 'localhost', 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'life', prompt: 'a', max_tokens: 40, stream: true }),
      }),
    )
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    for (let i = 0; i < pieces; i++) await reader.read()
    expect(await held()).toMatch(/burgeon_weights_held 1\n/)
    await reader.cancel()
    expect(await held()).toMatch(/burgeon_weights_held 0\n/)
    expect(await held()).toMatch(/burgeon_requests_in_flight 0\n/)
  }
})

test('more requests than there are places get 429, and have a place later', async () => {
  const served = await smallServed()
  const app = createApp(served, { limits: { inFlight: 2 } })
  const ask = (): Promise<Response> =>
    Promise.resolve(
      app.fetch(
        new Request('http://localhost/v1/completions', {
          method: 'POST',
          headers: { host: 'localhost', 'content-type': 'application/json' },
          body: JSON.stringify({ model: 'life', prompt: 'a', max_tokens: 20 }),
        }),
      ),
    )
  const all = await Promise.all(Array.from({ length: 6 }, ask))
  const statuses = all.map(({ status }) => status).toSorted((a, b) => a - b)
  expect(statuses).toEqual([200, 200, 429, 429, 429, 429])
  expect(all.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('1')
  expect((await ask()).status).toBe(200)
})
