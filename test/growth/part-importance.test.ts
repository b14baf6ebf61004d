/** What to prune is measured: parts that write nothing score 0, and the least important are missed least. */
import { batchOfTokens, type TokenBatch, meanLoss, partImportance } from '@burgeon/continual'
import { adamw } from '@burgeon/autograd/optim'
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { openWasm } from '@burgeon/tensor/wasm'
import { expect, test } from 'vitest'
import { learn } from './tiny-model.ts'

const device = openWasm()
const text = Uint8Array.from('abcabdabcabeabcabd'.repeat(6), (letter) => letter.charCodeAt(0) - 97)

/** A model that has learnt the text. */
function schooled(seed: number): { model: Gpt; batch: TokenBatch } {
  const sizes = { vocabulary: 6, context: 12, embed: 8, heads: 4, layers: 2, mlpHidden: 16 }
  const model = Gpt.create(sizes, { device, seed })
  const tokens = device.tensor(Int32Array.from(text.subarray(0, 96)), { shape: [8, 12], dtype: 'i32' })
  const optimizer = adamw({ learningRate: 0.02, weightDecay: 0 })
  for (let step = 0; step < 60; step++) learn(model, optimizer, tokens, step)
  for (const mirror of optimizer.mirrors) mirror.dispose?.()
  tokens.dispose()
  return { model, batch: batchOfTokens(text, 12, 'text') }
}

const byImportance = (scores: readonly number[]): number[] =>
  [...scores.keys()].toSorted((a, b) => scores[a] - scores[b])

test('units and heads that write nothing yet score 0; the others do not', async () => {
  const { model, batch } = schooled(1)
  using probe = device.tensor([1, 2, 3], { shape: [1, 3], dtype: 'i32' })
  const options = { mirrors: [], probe, key: [1, 2] } as const
  await grow(model, { kind: 'widenMlp', block: 'b1', to: 18 }, options)
  await grow(model, { kind: 'addHeads', block: 'b0', to: 5 }, options)
  const [below, above] = await partImportance(model, batch)
  expect(above.hidden.slice(16)).toEqual([0, 0])
  expect(Math.min(...above.hidden.slice(0, 16))).toBeGreaterThan(0)
  expect(below.heads[4]).toBe(0)
  expect(Math.min(...below.heads.slice(0, 4))).toBeGreaterThan(0)
})

test('the quarter that scores least is missed less than the quarter that scores most', async () => {
  let isRight = 0
  for (let seed = 1; seed <= 6; seed++) {
    const risen = async (end: 'least' | 'most'): Promise<number> => {
      const { model, batch } = schooled(seed)
      const before = await meanLoss(model, text)
      const [{ block, hidden }] = await partImportance(model, batch)
      const order = byImportance(hidden)
      using probe = device.tensor([1, 2, 3], { shape: [1, 3], dtype: 'i32' })
      const drop = end === 'least' ? order.slice(0, 4) : order.slice(-4)
      await grow(model, { kind: 'pruneUnits', block, drop }, { mirrors: [], probe, key: [1, 2] })
      const after = await meanLoss(model, text)
      model.dispose()
      return Math.abs(after - before)
    }
    if ((await risen('least')) < (await risen('most'))) isRight++
  }
  expect(isRight).toBeGreaterThanOrEqual(5)
})
