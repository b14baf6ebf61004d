/** `logitsProcessor`: has its say on each next token before all else, on every path of generation. */
import { type GenerateOptions, GenerationPool, type Gpt, gptConfig, type LogitsProcessor } from '@burgeon/gpt'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawFrom, modelOf } from '../growth/tiny-model.ts'

const device = openWasm()
const modelFrom = (seed: number): Gpt =>
  modelOf(gptConfig({ vocabulary: 64, context: 32, embed: 8, heads: 2, layers: 1 }), drawFrom(seed), device)
const model = modelFrom(1)

/** Makes the token that is the sum of the last two far likelier: it depends on the whole text. */
const sums: LogitsProcessor = (logits, text) => {
  const wanted = ((text.at(-1) ?? 0) + (text.at(-2) ?? 0)) % 64
  return Float64Array.from(logits, (logit, token) => logit + (token === wanted ? 6 : 0))
}
const how: GenerateOptions = { tokens: 20, temperature: 0, logitsProcessor: sums }

test('is given the logits, the text so far and the row, and what it returns counts', async () => {
  const calls: { text: readonly number[]; row: number; size: number }[] = []
  const logitsProcessor: LogitsProcessor = (logits, text, row) => {
    calls.push({ text: [...text], row, size: logits.length })
    return Float64Array.from(logits, (_, token) => (token === 10 * (row + 1) + text.length ? 0 : -Infinity))
  }
  const results = await model.generate([[1], [2, 3]], { tokens: 3, logitsProcessor })
  expect(results.map(({ tokens }) => tokens)).toEqual([
    [11, 12, 13],
    [22, 23, 24],
  ])
  expect(calls.filter(({ row }) => row === 1).map(({ text }) => text)).toEqual([
    [2, 3],
    [2, 3, 22],
    [2, 3, 22, 23],
  ])
  expect(new Set(calls.map(({ size }) => size))).toEqual(new Set([64]))
})

test('comes before penalties, masks and sampling; log-probabilities stay those of the model', async () => {
  const { tokens: plain } = await model.generate([1, 2], how)
  expect(plain.slice(0, 4)).toEqual([3, 5, 8, 13])
  const allowed = await model.generate([1, 2], { ...how, allowedTokens: () => [4, 7] })
  for (const token of allowed.tokens) expect([4, 7]).toContain(token)
  const [repeated, penalized] = [
    await model.generate([2, 0], { ...how, tokens: 2 }),
    await model.generate([2, 0], { ...how, tokens: 2, presencePenalty: 100 }),
  ]
  expect(repeated.tokens).toEqual([2, 2])
  expect(penalized.tokens[0]).toBe(2)
  expect(penalized.tokens[1]).not.toBe(2)
  const few = await model.generate([1, 2], { ...how, temperature: 1, topK: 1 })
  expect(few.tokens).toEqual(plain)
  const told = { tokens: 1, logProbabilities: 0, temperature: 0 }
  const [own, changed] = [
    await model.generate([1, 2], { ...told, allowedTokens: () => [3] }),
    await model.generate([1, 2], { ...told, logitsProcessor: sums }),
  ]
  expect(changed.logProbabilities).toEqual(own.logProbabilities)
})

test('that changes nothing leaves every bit as it was', async () => {
  const drawn = { tokens: 30, seed: 5, topP: 0.9, logProbabilities: 2 }
  const same = await model.generate([1, 2], { ...drawn, logitsProcessor: (logits) => logits })
  expect(same).toEqual(await model.generate([1, 2], drawn))
})

describe('texts are the same', () => {
  test('alone, in a batch, in a pool, and with live weights', async () => {
    for (const temperature of [0, 1]) {
      const own = { ...how, temperature, seed: 3 }
      const { tokens } = await model.generate([1, 2], own)
      const [, second] = await model.generate([[5], [1, 2]], { ...own, seed: 2 })
      const pool = new GenerationPool(model)
      const pooled = pool.begin([[1, 2], [9]], own)
      while (!pooled.isDone) await pool.step([pooled])
      const live = await model.generate([1, 2], { ...own, weights: 'live' })
      for (const other of [second, pooled.results()[0], live]) expect(other.tokens).toEqual(tokens)
    }
  })

  test('with a draft, which it changes as it changes the model', async () => {
    const { tokens } = await model.generate([1, 2], how)
    const drafted = await model.generate([1, 2], { ...how, draft: modelFrom(2) })
    expect(drafted.tokens).toEqual(tokens)
    expect(drafted.accepted).toBeGreaterThan(0)
    // Both expect the same: nothing that is drafted is ever refused.
    const twin = await model.generate([1, 2], { ...how, temperature: 1, seed: 4, draft: model })
    expect([twin.tokens.length, twin.accepted]).toEqual([20, twin.drafted])
  })
})

test('what is no logits is refused', async () => {
  for (const wrong of [undefined, 3, [1, 2], new Float64Array(65), 'ab']) {
    const generation = model.generate([1], { tokens: 1, logitsProcessor: () => wrong as number[] })
    await expect(generation.next()).rejects.toThrow('from logitsProcessor; expected 64 logits')
  }
  const ruined = model.generate([1], {
    tokens: 1,
    logitsProcessor: (logits) => Array.from(logits, () => NaN),
  })
  await expect(ruined.next()).rejects.toThrow('got NaN')
})
