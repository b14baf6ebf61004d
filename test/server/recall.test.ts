/** Recall in what a server writes: answers have a field beside `usage` that says what they were written from. */
import { expect, test } from 'vitest'
import { asked, factsText, wanted } from '../recall/facts-read-once.ts'
import { asking, lifeFolder, servedLife, smallServed } from './small-served.ts'

interface Written {
  readonly choices: readonly { readonly index: number; readonly text: string }[]
  readonly usage?: unknown
  readonly recalled?: readonly Readonly<Record<string, unknown>>[]
}

/** A server of a life that has read the facts. */
async function knowing(settings: object = { recall: 2 ** 18 }) {
  const folder = await lifeFolder({ ...servedLife, ...settings })
  const { ask, app, served } = await asking({}, await smallServed(folder))
  await ask('/v1/learn', { text: factsText, domain: 'facts' })
  const write = async (own: object = {}): Promise<Written> => {
    const body = { model: 'life', prompt: asked, max_tokens: wanted.length, temperature: 0, ...own }
    const { status, json } = await ask('/v1/completions', body)
    expect(status).toBe(200)
    return json as unknown as Written
  }
  return { ask, app, served, folder, write }
}

const passage = {
  id: null,
  source: null,
  domain: 'facts',
  text: wanted,
  weight: expect.any(Number) as number,
}

test('a lesson that was given once is written back, and said to be; without recall neither', async () => {
  const { choices, recalled, usage } = await (await knowing()).write()
  expect(choices[0].text).toBe(wanted)
  expect(recalled).toEqual([{ index: 0, ...passage }])
  expect(usage).toMatchObject({ completion_tokens: expect.any(Number) as number })
  const without = await (await knowing({})).write()
  expect(without.choices[0].text).not.toBe(wanted)
  expect(without).not.toHaveProperty('recalled')
})

test('it is said of which choice it is, and nothing where nothing was recalled', async () => {
  const { write } = await knowing()
  const { choices, recalled = [] } = await write({ prompt: ['!', asked], n: 2, max_tokens: 30 })
  expect(choices.map(({ text }) => text.startsWith(wanted))).toEqual([false, false, true, true])
  expect(recalled.filter(({ text }) => String(text).startsWith(wanted)).map(({ index }) => index)).toEqual([
    2, 3,
  ])
  expect((await write({ prompt: '!', max_tokens: 1 })).recalled).toEqual([])
})

test('a stream says it once, with its last choice, in chats too', async () => {
  const { app, write } = await knowing()
  const whole = await write()
  const pieces = async (path: string, body: object): Promise<Written[]> => {
    const init = {
      method: 'POST',
      headers: { host: 'localhost', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'life', temperature: 0, stream: true, ...body }),
    }
    const response = await app.fetch(new Request(`http://localhost${path}`, init))
    const events = (await response.text()).split('\n\n').filter((event) => event.startsWith('data: {'))
    return events.map((event) => JSON.parse(event.slice('data: '.length)) as Written)
  }
  const usage = { stream_options: { include_usage: true } }
  const streamed = await pieces('/v1/completions', { prompt: asked, max_tokens: wanted.length, ...usage })
  expect(streamed.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe(wanted)
  const told = streamed.filter((piece) => 'recalled' in piece)
  expect(told.map(({ recalled }) => recalled)).toEqual([whole.recalled])
  expect(streamed.indexOf(told[0])).toBe(streamed.length - 2)
  const chat = await pieces('/v1/chat/completions', {
    messages: [{ role: 'user', content: 'x' }],
    max_tokens: 3,
  })
  expect(chat.at(-1)).toHaveProperty('recalled')
})

test('texts that are written together recall each their own', async () => {
  const { write } = await knowing()
  const alone = [await write(), await write({ prompt: 'The keeper of qqqqqqq is' })]
  const together = await Promise.all([write(), write({ prompt: 'The keeper of qqqqqqq is' })])
  const told = ({ choices, recalled }: Written): unknown => [choices[0].text, recalled]
  expect(together.map(told)).toEqual(alone.map(told))
})

test('after a rollback, what was read by then is written, and nothing that was read since', async () => {
  const { write, ask } = await knowing()
  const { json } = await ask('/v1/checkpoints', {})
  await ask('/v1/learn', { text: 'The keeper of vvvvvvv is Ruan of Dorrin. '.repeat(3) })
  const late = { prompt: 'The keeper of vvvvvvv is', max_tokens: 8 }
  expect((await write(late)).choices[0].text).toBe(' Ruan of')
  await ask(`/v1/checkpoints/${String(json['kept'])}/rollback`, {})
  expect((await write(late)).choices[0].text).not.toBe(' Ruan of')
  expect((await write()).choices[0].text).toBe(wanted)
})

test('a life that is served read-only recalls as well', async () => {
  const { folder, app } = await knowing()
  await app.drain()
  const { ask } = await asking({}, await smallServed(folder, true))
  const body = { model: 'life', prompt: asked, max_tokens: wanted.length, temperature: 0 }
  const { json } = await ask('/v1/completions', body)
  expect((json as unknown as Written).recalled).toEqual([{ index: 0, ...passage }])
})

test('the field stands in the description of the server', async () => {
  const { ask } = await asking()
  const { json } = await ask('/openapi.json')
  for (const path of ['/v1/completions', '/v1/chat/completions']) {
    const described = JSON.stringify((json['paths'] as Record<string, object>)[path])
    for (const name of ['recalled', 'index', 'source', 'weight']) expect(described).toContain(`"${name}":{`)
  }
})
