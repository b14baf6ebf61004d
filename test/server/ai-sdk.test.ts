/** The AI SDK's client for whatever speaks as OpenAI does, unchanged, against a server on a socket. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { serve, type ServedModel } from '@burgeon/server'
import { APICallError, embedMany, generateText, streamText } from 'ai'
import { expect, onTestFinished, test } from 'vitest'
import { smallServed } from './small-served.ts'

const key = 'a-key-of-sixteen-and-more'

async function connected(apiKey: string = key): Promise<{ provider: Provider; served: ServedModel }> {
  const served = await smallServed()
  const running = await serve(served, { port: 0, keys: [{ key, scopes: ['read'] }] })
  onTestFinished(() => running.close())
  const baseURL = `${running.url}/v1`
  return {
    provider: createOpenAICompatible({ name: 'burgeon', baseURL, apiKey, includeUsage: true }),
    served,
  }
}
type Provider = ReturnType<typeof createOpenAICompatible>

const drawn = { temperature: 0.7, seed: 5, maxRetries: 0 }

test('a completion is what the library writes, with usage', async () => {
  const { provider, served } = await connected()
  const options = { tokens: 9, tokenizer: served.tokenizer, temperature: 0.7, seed: 5 }
  const model = provider.completionModel('life')
  // It writes a text as one turn of a talk: what it sends is what the model goes on from.
  const sent: string[] = []
  const answer = await generateText({
    ...{ model, prompt: 'The quick', maxOutputTokens: 9, ...drawn },
    onFinish: ({ request }) => void sent.push((request.body as { prompt: string }).prompt),
  })
  expect(answer.finishReason).toBe('length')
  expect(answer.usage).toMatchObject({ outputTokens: 9 })
  const [prompt] = sent
  expect(answer.text).toBe((await served.model.generate(prompt, options)).text)
})

test('a talk, whole and streamed, is the same', async () => {
  const { provider } = await connected()
  const asked = {
    model: provider('life'),
    system: 'Be brief.',
    prompt: 'Hello',
    maxOutputTokens: 12,
    ...drawn,
  }
  const whole = await generateText(asked)
  const parts: string[] = []
  const streamed = streamText(asked)
  for await (const part of streamed.textStream) parts.push(part)
  expect(parts.join('')).toBe(whole.text)
  expect(await streamed.finishReason).toBe(whole.finishReason)
  expect(await streamed.usage).toMatchObject({ outputTokens: whole.usage.outputTokens })
})

test('a stream that is given up ends, and the server answers on', async () => {
  const { provider } = await connected()
  const stop = new AbortController()
  const model = provider('life')
  const streamed = streamText({
    ...{ model, prompt: 'Hello', maxOutputTokens: 1000, ...drawn, abortSignal: stop.signal },
  })
  let parts = 0
  for await (const { type } of streamed.fullStream) {
    if (type === 'text-delta' && ++parts === 2) stop.abort()
    if (type === 'abort') break
  }
  expect(parts).toBeLessThan(1000)
  expect((await generateText({ model, prompt: 'Hello', maxOutputTokens: 2, ...drawn })).text).not.toBe('')
})

test('embeddings come in the order of their texts, of length 1', async () => {
  const { provider } = await connected()
  const model = provider.embeddingModel('life')
  const { embeddings } = await embedMany({ model, values: ['a garden', 'a boiler'] })
  const [turned] = (await embedMany({ model, values: ['a boiler'] })).embeddings
  expect(embeddings[1]).toEqual(turned)
  for (const numbers of embeddings) expect(Math.hypot(...numbers)).toBeCloseTo(1, 5)
})

test('errors are those of the API, with their message', async () => {
  const { provider } = await connected()
  const asked = generateText({ model: provider('another'), prompt: 'Hello', maxRetries: 0 })
  await expect(asked).rejects.toSatisfy(APICallError.isInstance)
  await expect(asked).rejects.toMatchObject({ statusCode: 404, isRetryable: false, message: /another/ })
  const stranger = (await connected('another-key-of-sixteen')).provider
  const refused = generateText({ model: stranger('life'), prompt: 'Hello', maxRetries: 0 })
  await expect(refused).rejects.toMatchObject({ statusCode: 401 })
})
