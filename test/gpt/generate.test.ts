import { generate, type GenerateOptions, type Gpt, KeyValueCache, sampleToken } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { type Device, IndexError, keyFromSeed, OptionError, RandomStream, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, logitsOf, modelOf, tokensFor } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'

const drawModel = (seed: number, device: Device): Gpt =>
  modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)
const drawPrompt = (model: Gpt, seed: number, length: number): number[] => {
  const random = drawFrom(seed)
  return Array.from({ length }, () => random.below(model.config.vocabulary))
}

async function written(model: Gpt, prompt: readonly number[], options: GenerateOptions): Promise<number[]> {
  const tokens: number[] = []
  for await (const token of generate(model, prompt, options)) tokens.push(token)
  return tokens
}

/** The same text without a cache: every step reads its whole window anew. */
function writtenPlainly(model: Gpt, prompt: readonly number[], options: GenerateOptions): number[] {
  const { context, vocabulary } = model.config
  const { tokens: count, seed = 0, ...sampling } = options
  const random = new RandomStream(keyFromSeed(seed)).named('generate')
  const text = [...prompt]
  let start = Math.max(0, text.length - context)
  for (let i = 0; i < count; i++) {
    // When the context is full, the second half of it is the new beginning.
    if (text.length - start > context) start = text.length - Math.max(1, context >> 1)
    const window = text.slice(start)
    const logits = scope(() => {
      const tokens = model.device.tensor(window, { shape: [1, window.length], dtype: 'i32' })
      return logitsOf(model, tokens).slice(-vocabulary)
    })
    text.push(sampleToken(logits, sampling, random))
  }
  return text.slice(prompt.length)
}

describe.each([openReference(), openWasm()].map((device) => [device.name, device] as const))(
  'generation on %s',
  (_, device) => {
    test('writes what it would write without a cache, also long after the context is full', async () => {
      for (let seed = 1; seed <= times(5, 10); seed++) {
        const model = drawModel(seed, device)
        const { context } = model.config
        for (const length of [1, context - 1, context, context + 3]) {
          const prompt = drawPrompt(model, seed, length)
          for (const options of [
            { tokens: 3 * context, temperature: 0 },
            { tokens: 3 * context, temperature: 1.5, seed },
            { tokens: 2, topK: 2, topP: 0.9, seed },
          ]) {
            expect(await written(model, prompt, options)).toEqual(writtenPlainly(model, prompt, options))
          }
        }
      }
    })
    test('writes the same for the same seed and something else for another', async () => {
      const model = drawModel(3, device)
      const write = (seed: number): Promise<number[]> =>
        written(model, [1, 2], { tokens: 40, temperature: 2, seed })
      expect(await write(1)).toEqual(await write(1))
      expect(await write(1)).not.toEqual(await write(2))
      expect(await written(model, [1, 2], { tokens: 9 })).toEqual(
        await written(model, [1, 2], { tokens: 9, seed: 0 }),
      )
    })
    test('counts only the end of a prompt that is longer than the context', async () => {
      const model = drawModel(4, device)
      const prompt = drawPrompt(model, 1, model.config.context)
      const options = { tokens: 5, temperature: 0 }
      expect(await written(model, [0, 1, 2, ...prompt], options)).toEqual(
        await written(model, prompt, options),
      )
    })
    test('writes as many tokens as asked, none if none', async () => {
      const model = drawModel(5, device)
      for (const tokens of [0, 1, 7]) expect(await written(model, [1], { tokens })).toHaveLength(tokens)
    })
    test('gives back every buffer: at the end, when it is left early, and when it fails', async () => {
      const model = drawModel(6, device)
      const { buffers } = device.memory
      await written(model, [1, 2], { tokens: 20 })
      expect(device.memory.buffers).toBe(buffers)
      for await (const token of generate(model, [1], { tokens: 20 })) {
        expect(token).toBeGreaterThanOrEqual(0)
        break
      }
      expect(device.memory.buffers).toBe(buffers)
      await expect(written(model, [model.config.vocabulary], { tokens: 1 })).rejects.toThrow(IndexError)
      expect(device.memory.buffers).toBe(buffers)
    })
    test('refuses an empty prompt and options outside their range', async () => {
      const model = drawModel(7, device)
      await expect(written(model, [], { tokens: 1 })).rejects.toThrow(OptionError)
      await expect(written(model, [], { tokens: 1 })).rejects.toThrow('generate: got an empty prompt')
      for (const bad of [{ temperature: -1 }, { topK: 0 }, { topP: 0 }]) {
        await expect(written(model, [1], { tokens: 1, ...bad })).rejects.toThrow(OptionError)
      }
    })
  },
)

test('a cache of before a growth is refused', async () => {
  const device = openReference()
  const model = drawModel(8, device)
  using cache = new KeyValueCache(model.config, device)
  const probe = tokensFor(model, drawFrom(1), 1)
  await grow(model, { kind: 'addLayer', at: 0 }, { mirrors: [], probe, key: [1, 2] })
  const read = (): unknown => scope(() => model.forward(probe, undefined, { cache }))
  expect(read).toThrow(OptionError)
  expect(read).toThrow('got one from before the model grew')
  expect(cache.length).toBe(0)
})
