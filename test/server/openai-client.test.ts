/** The stock client of OpenAI, unchanged, against a server on a socket. */
import { serve, type ServedModel } from '@burgeon/server'
import OpenAI, { BadRequestError, NotFoundError } from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { smallServed } from './small-served.ts'

async function connected(): Promise<{ client: OpenAI; served: ServedModel; url: string }> {
  const served = await smallServed()
  const running = await serve(served, { port: 0 })
  onTestFinished(() => running.close())
  const client = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: 'none', maxRetries: 0 })
  return { client, served, url: running.url }
}

const model = 'life'
const messages = [{ role: 'user' as const, content: 'Hello' }]

test('lists the model', async () => {
  const { client } = await connected()
  const { data } = await client.models.list()
  expect(data.map(({ id, object }) => [id, object])).toEqual([['life', 'model']])
})

test('a completion is what the library writes, with usage and why it ended', async () => {
  const { client, served } = await connected()
  const options = { tokens: 9, tokenizer: served.tokenizer, temperature: 0.7, seed: 5 }
  const alone = await served.model.generate('The quick', options)
  const answer = await client.completions.create({
    model,
    prompt: 'The quick',
    max_tokens: 9,
    temperature: 0.7,
    seed: 5,
  })
  expect(answer.choices).toMatchObject([{ index: 0, text: alone.text, finish_reason: 'length' }])
  expect(answer.usage).toEqual({ prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 })
  const again = await client.completions.create({
    model,
    prompt: 'The quick',
    max_tokens: 9,
    temperature: 0.7,
    seed: 5,
  })
  expect(again.choices[0].text).toBe(answer.choices[0].text)
  expect(again.system_fingerprint).toBe(answer.system_fingerprint)
})

test('several prompts get several answers each, in order', async () => {
  const { client, served } = await connected()
  const { choices } = await client.completions.create({
    ...{ model, prompt: ['one', 'two'], n: 2, max_tokens: 4, seed: 3 },
  })
  expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3])
  const rows = ['one', 'one', 'two', 'two'].map((prompt) => served.tokenizer.encode(prompt))
  const whole = await served.model.generate(rows, { tokens: 4, seed: 3, tokenizer: served.tokenizer })
  expect(choices.map(({ text }) => text)).toEqual(whole.map(({ text }) => text))
})

test('tokens are taken as a prompt, and texts end before a stop', async () => {
  const { client, served } = await connected()
  const tokens = [...served.tokenizer.encode('The quick')]
  const how = { model, max_tokens: 12, temperature: 0 }
  const [whole, ofTokens] = [
    (await client.completions.create({ ...how, prompt: 'The quick' })).choices[0].text,
    (await client.completions.create({ ...how, prompt: tokens })).choices[0].text,
  ]
  expect(ofTokens).toBe(whole)
  const stop = whole.slice(4, 6)
  const [stopped] = (await client.completions.create({ ...how, prompt: 'The quick', stop })).choices
  expect(stopped).toMatchObject({ text: whole.slice(0, whole.indexOf(stop)), finish_reason: 'stop' })
})

test('log-probabilities are those of the model, of completions and of chats', async () => {
  const { client, served } = await connected()
  const { choices } = await client.completions.create({
    model,
    prompt: 'ab',
    max_tokens: 3,
    temperature: 0,
    logprobs: 2,
  })
  const own = await served.model.generate('ab', {
    ...{ tokens: 3, temperature: 0, logProbabilities: 2, tokenizer: served.tokenizer },
  })
  const told = choices[0].logprobs
  expect(told?.token_logprobs).toEqual(own.logProbabilities?.map(({ logProbability }) => logProbability))
  expect(told?.tokens?.join('')).toBe(own.text)
  expect(told?.top_logprobs?.map((each) => Object.keys(each).length)).toEqual([2, 2, 2])
  expect(told?.text_offset?.[0]).toBe(0)
  const chat = await client.chat.completions.create({
    ...{ model, messages, max_completion_tokens: 3, temperature: 0, logprobs: true, top_logprobs: 3 },
  })
  const content = chat.choices[0].logprobs?.content ?? []
  expect(content).toHaveLength(3)
  expect(content[0].top_logprobs).toHaveLength(3)
  expect(content[0].top_logprobs[0].logprob).toBe(content[0].logprob)
  expect(String.fromCharCode(...(content[0].bytes ?? []))).toBe(content[0].token)
})

test('a chat streams: the role first, then the pieces of the whole answer, why it ended, and the usage', async () => {
  const { client } = await connected()
  const how = { model, messages, max_tokens: 8, seed: 4 }
  const whole = await client.chat.completions.create(how)
  const parts = []
  const stream = await client.chat.completions.create({
    ...how,
    stream: true,
    stream_options: { include_usage: true },
  })
  for await (const part of stream) parts.push(part)
  expect(parts[0].choices[0].delta).toMatchObject({ role: 'assistant', content: '' })
  const text = parts.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
  expect(text).toBe(whole.choices[0].message.content)
  expect(parts.at(-2)?.choices[0].finish_reason).toBe(whole.choices[0].finish_reason)
  expect(parts.at(-1)).toMatchObject({ choices: [], usage: whole.usage })
  expect(new Set(parts.map(({ id }) => id)).size).toBe(1)
  expect(parts.slice(0, -2).every(({ choices }) => choices[0].finish_reason === null)).toBe(true)
})

test('a completion streams its text', async () => {
  const { client } = await connected()
  const how = { model, prompt: 'The', max_tokens: 8, seed: 4 }
  const whole = await client.completions.create(how)
  let text = ''
  for await (const part of await client.completions.create({ ...how, stream: true }))
    text += part.choices[0].text
  expect(text).toBe(whole.choices[0].text)
})

test('a client that leaves ends the generation', async () => {
  const { client, url } = await connected()
  const stream = await client.completions.create({ model, prompt: 'a', max_tokens: 60, stream: true })
  for await (const _part of stream) break
  await expect
    .poll(async () => (await (await fetch(`${url}/metrics`)).text()).includes('burgeon_requests_in_flight 0'))
    .toBe(true)
  const written = /burgeon_tokens_total\{kind="completion"\} (\d+)/.exec(
    await (await fetch(`${url}/metrics`)).text(),
  )
  expect(Number(written?.[1])).toBeLessThan(30)
})

test('embeddings have length 1 and are the same in both encodings; like texts lie closer', async () => {
  const { client, served } = await connected()
  const input = ['The quick fox', 'The quick fax', '0123456789']
  const { data, usage } = await client.embeddings.create({ model, input })
  const plain = await client.embeddings.create({ model, input, encoding_format: 'float' })
  expect(data.map(({ embedding }) => [...embedding])).toEqual(plain.data.map(({ embedding }) => embedding))
  const [a, b, c] = plain.data.map(({ embedding }) => embedding)
  expect(a).toHaveLength(served.model.config.embed)
  expect(Math.hypot(...a)).toBeCloseTo(1, 5)
  const product = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((sum, each, i) => sum + each * y[i], 0)
  expect(product(a, b)).toBeGreaterThan(product(a, c))
  expect(usage).toEqual({ prompt_tokens: 36, total_tokens: 36 })
})

test('mistakes are the errors that the client knows, with the field that is wrong', async () => {
  const { client } = await connected()
  const wrong = async (more: object): Promise<unknown> =>
    client.completions.create({ model, prompt: 'a', ...more }).then(
      () => null,
      (error: unknown) => error,
    )
  const missing = await wrong({ model: 'gpt-4' })
  expect(missing).toBeInstanceOf(NotFoundError)
  expect(missing).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' })
  for (const [more, param, code] of [
    [{ max_tokens: 0 }, 'max_tokens', 'invalid_value'],
    [{ temperature: 3 }, 'temperature', 'invalid_value'],
    [{ prompt: 'x'.repeat(64) }, 'prompt', 'context_length_exceeded'],
    [{ prompt: [999] }, 'prompt', null],
    [{ best_of: 3 }, 'best_of', 'invalid_value'],
    [{ nonsense: 1 }, 'nonsense', 'unknown_parameter'],
  ] as const) {
    const error = await wrong(more)
    expect(error, JSON.stringify(more)).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({ status: 400, param, code, type: 'invalid_request_error' })
  }
})
