/** `generate` as a whole: one API for pieces and wholes, batches, ends, masks, weights that change. */
import { sgd } from '@burgeon/autograd/optim'
import {
  byteTokenizer,
  ContextFullError,
  generate,
  type GenerateOptions,
  type Generated,
  type Gpt,
  gptConfig,
} from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { type Device, OptionError, scope, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, learn, modelOf, tokensFor } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'

const drawModel = (seed: number, device: Device): Gpt =>
  modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)

/** A model of bytes that writes anything. */
const ofBytes = (device: Device, context = 32): Gpt =>
  modelOf(gptConfig({ vocabulary: 256, context, embed: 8, heads: 2, layers: 1 }), drawFrom(1), device)

async function taken<T>(pieces: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const piece of pieces) all.push(piece)
  return all
}

const logitsAfter = (model: Gpt, tokens: readonly number[]): number[] =>
  scope(() => {
    const input: Tensor = model.device.tensor(tokens, { shape: [1, tokens.length], dtype: 'i32' })
    return [...model.forward(input, undefined, { lastOnly: true }).readSync()]
  })

const reference = openReference()

describe.each([reference, openWasm()].map((device) => [device.name, device] as const))(
  'a generation on %s',
  (_, device) => {
    test('gives pieces one by one, the whole when awaited, and nothing twice', async () => {
      const model = ofBytes(device)
      const { buffers } = device.memory
      const options = { tokens: 20, temperature: 1, seed: 3 }
      const whole = await model.generate([1, 2], options)
      expect(whole).toEqual({ tokens: await taken(generate(model, [1, 2], options)), finish: 'tokens' })
      const both = model.generate([1, 2], options)
      const { value } = await both.next()
      expect(value).toBe(whole.tokens[0])
      expect(await both).toEqual(whole)
      expect(await taken(both)).toEqual([])
      const left = model.generate([1, 2], options)
      for await (const _token of left) break
      expect(await left).toEqual({ tokens: whole.tokens.slice(0, 1), finish: 'aborted' })
      expect(device.memory.buffers).toBe(buffers)
    })
    test('of prompts of any lengths writes what each prompt alone would be continued with', async () => {
      for (let seed = 1; seed <= times(4, 25); seed++) {
        const [model, random] = [drawModel(seed, device), drawFrom(seed)]
        const { context, vocabulary } = model.config
        const lengths = [1, 1 + random.below(context), 1 + random.below(context + 3), context, 1]
        const prompts = lengths.map((n) => Array.from({ length: n }, () => random.below(vocabulary)))
        const { buffers } = device.memory
        for (const options of [
          { tokens: 3 * context, temperature: 0, stopTokens: [1] },
          { tokens: 2 * context, temperature: 1, topK: 3, stopTokens: [0], seed },
          { tokens: context, temperature: 0, onContextFull: 'stop', repetitionPenalty: 1.5 },
        ] satisfies GenerateOptions[]) {
          const fitting = options.onContextFull ? prompts.filter((p) => p.length <= context) : prompts
          const alone: Generated[] = []
          for (const [i, prompt] of fitting.entries()) {
            alone.push(await model.generate(prompt, { ...options, seed: (options.seed ?? 0) + i }))
          }
          expect(await model.generate(fitting, options)).toEqual(alone)
        }
        expect(device.memory.buffers).toBe(buffers)
        model.dispose()
      }
    })
    test('by a draft writes the same greedy text as without, and counts what was accepted', async () => {
      let [drafted, accepted] = [0, 0]
      for (let seed = 1; seed <= times(5, 40); seed++) {
        const model = drawModel(seed, device)
        const config = { ...drawConfig(drawFrom(seed + 50)), vocabulary: model.config.vocabulary }
        const other = modelOf(config, drawFrom(seed + 200), device)
        const { context } = model.config
        const { buffers } = device.memory
        const options = { tokens: 3 * context, temperature: 0, seed }
        for (const prompt of [[1], [1, 2, 3]]) {
          const plain = await model.generate(prompt, options)
          for (const draft of [other, model]) {
            for (const draftTokens of [1, 4]) {
              const result = await model.generate(prompt, { ...options, draft, draftTokens })
              expect(result.tokens).toEqual(plain.tokens)
              if (draft === model) expect(result.accepted).toBe(result.drafted)
              else {
                drafted += result.drafted ?? 0
                accepted += result.accepted ?? 0
              }
            }
          }
        }
        expect(device.memory.buffers).toBe(buffers)
        for (const each of [model, other]) each.dispose()
      }
      expect(accepted).toBeGreaterThan(0)
      expect(accepted).toBeLessThan(drafted)
    })
    test('sees the weights of its first token while the model learns and grows, and after its end', async () => {
      const modelFor = (): Gpt => modelOf({ ...drawConfig(drawFrom(6)), context: 16 }, drawFrom(7), device)
      const options = { tokens: 40, temperature: 1, seed: 2 }
      const expected = await modelFor().generate([1, 2], options)
      const [model, optimizer] = [modelFor(), sgd(0.5)]
      using tokens = tokensFor(model, drawFrom(8))
      const before = device.memory.buffers
      const text: number[] = []
      for await (const token of model.generate([1, 2], options)) {
        text.push(token)
        if (text.length < 5) learn(model, optimizer, tokens, text.length)
        if (text.length === 5) {
          const request = { kind: 'growVocabulary', tokens: [{ parts: [0], share: 1 }] } as const
          await grow(model, request, { mirrors: [], probe: tokens, key: [1, 1] })
        }
        if (text.length === 6) model.dispose()
      }
      expect(text).toEqual(expected.tokens)
      expect(device.memory.buffers).toBeLessThan(before)
      const late = model.generate([1], { tokens: 1 })
      await expect(late.next()).rejects.toThrow('generate: got a model that has been disposed')
    })
  },
)

test('live weights are refused after the model has been disposed', async () => {
  const model = ofBytes(reference)
  const generation = model.generate([1], { tokens: 5, weights: 'live' })
  await generation.next()
  model.dispose()
  await expect(generation.next()).rejects.toThrow(OptionError)
})

describe('text', () => {
  const tokenizer = byteTokenizer
  test('comes in pieces that make up the text of all tokens, whatever the bytes', async () => {
    const model = ofBytes(reference)
    for (let seed = 0; seed < times(20, 100); seed++) {
      const options = { tokens: 30, seed, tokenizer, temperature: 2 }
      const pieces = await taken(model.generate('né', options))
      const { text, tokens } = await model.generate('né', options)
      expect(pieces.join('')).toBe(text)
      expect(text).toBe(tokenizer.decode(tokens))
    }
  })
  test('holds back characters that are not whole, and no others', async () => {
    const written = [...tokenizer.encode('aé€😀z')]
    const allowedTokens = (before: readonly number[]): number[] => written.slice(before.length).slice(0, 1)
    const options = { tokens: 99, tokenizer, allowedTokens }
    expect(await taken(ofBytes(reference).generate('x', options))).toEqual(['a', 'é', '€', '😀', 'z'])
  })
  test('ends before a stop text, which never shows, however its characters come', async () => {
    const model = ofBytes(reference)
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('a', 'b', 'é'), minLength: 1, maxLength: 25 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'é'), minLength: 1, maxLength: 4 }), {
          maxLength: 3,
        }),
        async (text, stopTexts) => {
          const written = [...tokenizer.encode(text)]
          const allowedTokens = (before: readonly number[]): number[] =>
            written.slice(before.length).slice(0, 1)
          const options = { tokens: 99, tokenizer, stopTexts, allowedTokens }
          // The first that is complete ends the text; of those that end together the one that began first.
          const ends = stopTexts
            .map((stop) => text.indexOf(stop) + stop.length)
            .filter((_, i) => text.includes(stopTexts[i]))
          const end = Math.min(...ends)
          const starts = stopTexts.map((stop) => text.slice(0, end).indexOf(stop)).filter((at) => at >= 0)
          const expected = ends.length === 0 ? text : text.slice(0, Math.min(...starts))
          const result = await model.generate('x', options)
          expect(result.text).toBe(expected)
          expect(result.finish).toBe(ends.length > 0 ? 'stopText' : 'noToken')
          expect((await taken(model.generate('x', options))).join('')).toBe(expected)
        },
      ),
      { numRuns: times(60, 600) },
    )
  })
})

describe('options', () => {
  test('logProbabilities are those of the model, of the chosen token and of the likeliest', async () => {
    const model = ofBytes(reference)
    const options = { tokens: 6, seed: 2, logProbabilities: 3, topK: 40, presencePenalty: 1 }
    const { tokens, logProbabilities = [] } = await model.generate([1], options)
    expect(logProbabilities.map(({ token }) => token)).toEqual(tokens)
    logProbabilities.forEach(({ token = -1, logProbability, alternatives = [] }, i) => {
      const logits = logitsAfter(model, [1, ...tokens.slice(0, i)])
      const total = Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0))
      expect(logProbability).toBeCloseTo(logits[token] - total, 5)
      const ranked = logits.map((x) => x - total).toSorted((a, b) => b - a)
      expect(alternatives).toHaveLength(3)
      alternatives.forEach((each, rank) => {
        expect(each.logProbability).toBeCloseTo(ranked[rank], 5)
        expect(each.logProbability).toBeCloseTo(logits[each.token] - total, 5)
      })
    })
  })
  test('a stop token ends a row and is not written', async () => {
    const model = ofBytes(reference)
    const { tokens } = await model.generate([1], { tokens: 9, seed: 1 })
    const at = tokens.indexOf(tokens[4])
    const result = await model.generate([1], { tokens: 9, seed: 1, stopTokens: [tokens[4], 999] })
    expect(result).toEqual({ tokens: tokens.slice(0, at), finish: 'stopToken' })
  })
  test('only allowed tokens are written, and a row ends where there are none', async () => {
    const rows: number[] = []
    const allowedTokens = (written: readonly number[], row: number): Set<number> => {
      rows.push(row)
      return new Set(written.length < 4 ? [7, 9 + row] : [])
    }
    const results = await ofBytes(reference).generate([[1], [2, 3]], { tokens: 9, allowedTokens })
    results.forEach(({ tokens, finish }, row) => {
      expect(finish).toBe('noToken')
      expect(tokens).toHaveLength(4)
      for (const token of tokens) expect([7, 9 + row]).toContain(token)
    })
    expect(new Set(rows)).toEqual(new Set([0, 1]))
    for (const wrong of [[256], [-1], [0.5], 'ab', 3]) {
      const generation = ofBytes(reference).generate([1], {
        tokens: 1,
        allowedTokens: () => wrong as number[],
      })
      await expect(generation.next()).rejects.toThrow('from allowedTokens; expected')
    }
  })
  test('a full context ends the row, throws, or slides', async () => {
    const model = ofBytes(reference, 8)
    const options = { tokens: 20, seed: 4 }
    const stopped = await model.generate([1, 2, 3], { ...options, onContextFull: 'stop' })
    const slid = await model.generate([1, 2, 3], options)
    expect(stopped).toEqual({ tokens: slid.tokens.slice(0, 6), finish: 'context' })
    expect(slid.tokens).toHaveLength(20)
    const text: number[] = []
    const failing = async (): Promise<void> => {
      for await (const token of model.generate([1, 2, 3], { ...options, onContextFull: 'error' }))
        text.push(token)
    }
    await expect(failing()).rejects.toThrow(ContextFullError)
    expect(text).toEqual(stopped.tokens)
    const nine = Array.from({ length: 9 }, () => 1)
    for (const onContextFull of ['stop', 'error'] as const) {
      expect(() => model.generate(nine, { ...options, onContextFull })).toThrow('got a prompt of 9 tokens')
    }
  })
  test('a signal ends every row; what was written stays', async () => {
    const model = ofBytes(reference)
    const controller = new AbortController()
    const { signal } = controller
    setImmediate(() => setImmediate(() => controller.abort()))
    const results = await model.generate([[1], [2, 3]], { tokens: Infinity, signal })
    for (const { tokens, finish } of results) {
      expect(finish).toBe('aborted')
      expect(tokens.length).toBeGreaterThan(0)
    }
    expect(await model.generate([1], { tokens: 3, signal })).toEqual({ tokens: [], finish: 'aborted' })
  })
  test('that need each other are refused without', () => {
    const model = ofBytes(reference)
    const draft = drawModel(1, reference)
    const stopTexts = ['a']
    expect(() => model.generate('a', { tokens: 1 })).toThrow('got a prompt of text and no tokenizer')
    expect(() => model.generate([1], { tokens: 1, stopTexts })).toThrow('got stopTexts and no tokenizer')
    expect(() => model.generate([1], { tokens: 1, draftTokens: 2 })).toThrow('got draftTokens and no draft')
    expect(() => model.generate([1], { tokens: 1, draft })).toThrow('expected the same vocabulary')
    expect(() => model.generate([[1], []], { tokens: 1 })).toThrow('got an empty prompt')
    expect(() => model.generate([[1], [2]], { tokens: 1, seed: 2 ** 53 - 1 })).toThrow('got seed')
  })
})

test('drawn text is distributed by a draft as without one', async () => {
  const model = modelOf({ ...drawConfig(drawFrom(2)), context: 8 }, drawFrom(3), reference)
  const draft = modelOf(model.config, drawFrom(4), reference)
  const counts = [new Map<string, number>(), new Map<string, number>()]
  const runs = 1200
  const options = { tokens: 3, temperature: 1.3, topK: 3 }
  for (let seed = 0; seed < runs; seed++) {
    for (const [i, how] of [options, { ...options, draft, draftTokens: 2 }].entries()) {
      const { tokens } = await model.generate([1, 2], { ...how, seed: 10_000 * i + seed })
      const key = tokens.join()
      counts[i].set(key, (counts[i].get(key) ?? 0) + 1)
    }
  }
  // Two samples of one distribution: chi-square, with about as many degrees of freedom as there are texts.
  const keys = new Set(counts.flatMap((each) => [...each.keys()]))
  let difference = 0
  for (const key of keys) {
    const [a, b] = counts.map((each) => each.get(key) ?? 0)
    difference += (a - b) ** 2 / (a + b)
  }
  expect(keys.size).toBeGreaterThan(10)
  expect(difference).toBeLessThan(keys.size + 4 * Math.sqrt(2 * keys.size))
})
