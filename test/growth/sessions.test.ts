/** A text that is being written while the model grows and learns. */
import { sgd } from '@burgeon/autograd/optim'
import { generate, type Gpt, KeyValueCache, sampleToken } from '@burgeon/gpt'
import { grow, planGrowth } from '@burgeon/gpt/growth'
import { keyFromSeed, RandomStream, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'
import { drawConfig, drawFrom, drawRequest, learn, modelOf, tokensFor } from './tiny-model.ts'
import { times } from '../how-long.ts'

const device = openReference()

/** Writes; `between` runs after every token. */
async function written(model: Gpt, tokens: number, between: () => Promise<void>): Promise<number[]> {
  const text: number[] = []
  for await (const token of generate(model, [1, 2], { tokens, temperature: 1, seed: 5, weights: 'live' })) {
    text.push(token)
    await between()
  }
  return text
}
const nothing = (): Promise<void> => Promise.resolve()

test('goes on word for word through exact growth on every axis, also after the context is full', async () => {
  const grownKinds = new Set<string>()
  for (let seed = 1; seed <= times(8, 40); seed++) {
    const modelFor = (): Gpt => modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)
    const [still, growing] = [modelFor(), modelFor()]
    const { context } = still.config
    const expected = await written(still, 3 * context, nothing)
    const random = drawFrom(seed + 200)
    const text = await written(growing, 3 * context, async () => {
      const request = drawRequest(growing.config, random)
      // A new token may be written, and a longer context is not left at the same place.
      const changesText = request.kind === 'growVocabulary' || request.kind === 'growContext'
      const { isExact } = planGrowth(growing.config, request, [seed, 0])
      if (changesText || !isExact || growing.parameters.size > 20_000) return
      using probe = tokensFor(growing, random, 1)
      await grow(growing, request, { mirrors: [], probe, key: [seed, 1], tolerance: 1e-11 })
      grownKinds.add(request.kind)
    })
    expect(text).toEqual(expected)
    still.dispose()
    growing.dispose()
  }
  expect([...grownKinds].toSorted()).toEqual(
    expect.arrayContaining(['addHeads', 'addKvHeads', 'addLayer', 'widenEmbed', 'widenHeads', 'widenMlp']),
  )
})

test('a longer context gives it more room, and a new token can be written', async () => {
  const model = modelOf({ ...drawConfig(drawFrom(3)), context: 4 }, drawFrom(4), device)
  const { vocabulary } = model.config
  let written_ = 0
  const text = await written(model, 60, async () => {
    using probe = tokensFor(model, drawFrom(1), 1)
    if (++written_ === 2)
      await grow(model, { kind: 'growContext', to: 16 }, { mirrors: [], probe, key: [1, 1] })
    if (written_ === 4) {
      const tokens = [{ parts: [0], share: 1 }]
      await grow(model, { kind: 'growVocabulary', tokens }, { mirrors: [], probe, key: [1, 2] })
    }
  })
  expect(model.config.context).toBe(16)
  expect(text).toHaveLength(60)
  expect(Math.max(...text)).toBe(vocabulary)
})

test('after learning without growth it goes on from what it had read as it understood it then', async () => {
  const modelFor = (): Gpt => modelOf({ ...drawConfig(drawFrom(6)), context: 16 }, drawFrom(7), device)
  const [model, twin] = [modelFor(), modelFor()]
  const tokens = tokensFor(model, drawFrom(8))
  const [optimizer, twins] = [sgd(0.5), sgd(0.5)]
  let step = 0
  const text = await written(model, 12, () => {
    learn(model, optimizer, tokens, step++)
    return Promise.resolve()
  })
  using cache = new KeyValueCache(twin.config, device)
  const random = new RandomStream(keyFromSeed(5)).named('generate')
  const expected = [1, 2]
  for (let i = 0; i < 12; i++) {
    const unread = expected.slice(cache.length)
    const logits = scope(() => {
      const read = device.tensor(unread, { shape: [1, unread.length], dtype: 'i32' })
      return [...twin.forward(read, undefined, { cache }).readSync()].slice(-twin.config.vocabulary)
    })
    expected.push(sampleToken(logits, { temperature: 1 }, random))
    learn(twin, twins, tokens, i)
  }
  expect(text).toEqual(expected.slice(2))
  tokens.dispose()
})
