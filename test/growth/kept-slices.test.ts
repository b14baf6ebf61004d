/** What prunings keep: dropped slices alone, once, within bounds, and brought back to the byte as long as they are kept. */
import { adamw } from '@burgeon/autograd/optim'
import { batchOfTokens, type GrowthPolicy, Learner } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow, keptBytesOf, stateBytesOf, ungrowTo } from '@burgeon/gpt/growth'
import { OptionError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { expect, test } from 'vitest'
import { drawFrom, everyByte, learn, tokensFor } from './tiny-model.ts'

const device = openWasm()
const born = (mlpHidden: number): Gpt =>
  Gpt.create({ vocabulary: 16, context: 6, embed: 8, heads: 2, layers: 2, mlpHidden }, { device, seed: 1 })

/** Bytes of all numbers in plain data. */
function bytesIn(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce<number>((total, own) => total + bytesIn(own), 0)
}

test('twenty prunings of one unit keep twenty units, with moments, and the checkpoint holds each once', async () => {
  const growth: GrowthPolicy<null> = {
    ...{ name: 'one by one', initial: null },
    decide: () => ({ request: { kind: 'pruneUnits', block: 'b0', drop: [0] }, reason: 'one', state: null }),
  }
  const model = born(40)
  const learner = new Learner({ model, optimizer: adamw({ learningRate: 0.01 }), strategy: { growth } })
  const batch = batchOfTokens([1, 2, 3, 4, 5, 6, 7], 6, 'text')
  for (let step = 0; step < 20; step++) await learner.observe(batch)
  expect(model.config.blocks[0].mlpHidden).toBe(20)
  // A column and a bias of what reads, and a row of what writes: of weights and of two moments, in single precision.
  const each = 4 * 3 * (8 + 1 + 8)
  expect(keptBytesOf(model.growthLog)).toBe(20 * each)
  const { journal, model: saved } = await learner.toState()
  expect(bytesIn(journal)).toBe(0)
  expect(bytesIn(saved.growth)).toBe(20 * each)
})

test('what is kept is at most as much as weights and moments; beyond it is a typed error, within it every byte comes back', async () => {
  const model = born(64)
  const optimizer = adamw({ learningRate: 0.01 })
  using tokens = tokensFor(model, drawFrom(1))
  for (let step = 0; step < 2; step++) learn(model, optimizer, tokens, step)
  const { mirrors } = optimizer
  const states: unknown[] = []
  for (let i = 0; i < 14; i++) {
    states.push(everyByte(model, mirrors))
    const drop = Array.from({ length: 8 }, (_, unit) => unit)
    const block = `b${i % 2}`
    await grow(
      model,
      { kind: 'pruneUnits', block, drop: drop.slice(i % 3) },
      { mirrors, probe: tokens, key: [1, 2] },
    )
    await grow(model, { kind: 'pruneUnits', block, drop }, { mirrors, probe: tokens, key: [1, 2] })
    await grow(model, { kind: 'widenMlp', block, to: 64 }, { mirrors, probe: tokens, key: [1, 2] })
    expect(keptBytesOf(model.growthLog)).toBeLessThanOrEqual(
      4 * model.parameters.size + stateBytesOf(mirrors),
    )
  }
  const restored = Gpt.fromState(structuredClone(await model.toState()), device)
  expect(restored.growthLog).toEqual(model.growthLog)
  expect(() => ungrowTo(model, 0, mirrors)).toThrow(OptionError)
  expect(() => ungrowTo(model, 0, mirrors)).toThrow('has been let go since')
  const letGo = model.growthLog.entries.findLastIndex((entry) => entry.kind === 'grown' && entry.undoLetGo)
  const within = states
    .map((state, i) => ({ state, entries: 3 * i }))
    .filter(({ entries }) => entries > letGo)
  expect(within.length).toBeGreaterThan(0)
  for (const { state, entries } of within.toReversed()) {
    ungrowTo(model, entries, mirrors)
    expect(everyByte(model, mirrors)).toEqual(state)
  }
  expect(keptBytesOf(model.growthLog)).toBeLessThan(4 * model.parameters.size)
})
