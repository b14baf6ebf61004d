/** Units that are split number by number: exact, undone to the byte, and apart at once where halves would stay alike. */
import { adamw, lion, sgd, type GradientTransform } from '@burgeon/autograd/optim'
import { onlineEwc } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow, planGrowth, ungrow, ungrowTo } from '@burgeon/gpt/growth'
import {
  applyPlan,
  assign,
  inversePlan,
  multiply,
  ParameterError,
  ParameterStore,
  type Plan,
  scope,
  type SliceSwaps,
  TensorMirror,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { drawConfig, drawFrom, everyByte, learn, modelOf, tokensFor } from './tiny-model.ts'

const device = openReference()
const aSeed = fc.integer({ min: 1, max: 2 ** 31 })
const numbersAt = ({ parameters }: Gpt, path: string): number[] => [...parameters.get(path).tensor.readSync()]

describe.each([
  ['the reference', device, 1e-14],
  ['wasm', openWasm(), 1e-7],
] as const)('on %s', (_, on, rounding) => {
  test('each outgoing weight is a quarter here and three quarters there, as drawn, and the function stays', async () => {
    await fc.assert(
      fc.asyncProperty(aSeed, async (seed) => {
        const { expertShares: _shares, ...block } = drawConfig(drawFrom(seed)).blocks[0]
        const config = { ...drawConfig(drawFrom(seed)), blocks: [{ ...block, mlpHidden: 5 }] }
        const model = modelOf(config, drawFrom(seed + 1), on)
        using probe = tokensFor(model, drawFrom(seed))
        const path = `blocks.${block.id}.mlp.down.weight`
        const before = numbersAt(model, path)
        const { logitsMoved } = await grow(
          model,
          { kind: 'widenMlp', block: block.id, to: 9, how: 'splitAtRandom' },
          { mirrors: [], probe, key: [seed % 1000, 2] },
        )
        expect(logitsMoved).toBeLessThan(20 * rounding + 1e-13)
        const after = numbersAt(model, path)
        const { embed } = config
        let quarters = 0
        for (let i = 0; i < 4 * embed; i++) {
          const [one, other] = [after[i], after[5 * embed + i]]
          expect(Math.abs(one + other - before[i])).toBeLessThanOrEqual(rounding * Math.abs(before[i]))
          const isQuarter = one === before[i] / 4
          expect(isQuarter || other === before[i] / 4).toBe(true)
          quarters += Number(isQuarter)
        }
        // Of 24 coins or more.
        if (embed >= 6) expect(quarters > 0 && quarters < 4 * embed).toBe(true)
        expect(after.slice(4 * embed, 5 * embed)).toEqual(before.slice(4 * embed))
        model.dispose()
      }),
      { numRuns: times(6, 60) },
    )
  })
})

test('its undoing brings back every byte of the model, of moments, and of importance and anchors', async () => {
  await fc.assert(
    fc.asyncProperty(aSeed, fc.boolean(), async (seed, byLog) => {
      const model = modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 1), device)
      const { id, mlpHidden } = model.config.blocks[0]
      using tokens = tokensFor(model, drawFrom(seed))
      const optimizer = adamw({ learningRate: 0.01 })
      for (let step = 0; step < 2; step++) learn(model, optimizer, tokens, step)
      const ewc = onlineEwc({ strength: 1 })
      const text = { rows: 1, length: 3, tokens: Int32Array.from([0, 1, 2, 3]), domains: ['a'] }
      ewc.consolidate(model, text)
      scope(() => {
        for (const { tensor } of model.parameters) assign(tensor, multiply(tensor, 1.1))
      })
      const mirrors = [...optimizer.mirrors, ...ewc.mirrors]
      const before = everyByte(model, mirrors)
      const request = { kind: 'widenMlp', block: id, to: 2 * mlpHidden, how: 'splitAtRandom' } as const
      const record = await grow(model, request, { mirrors, probe: tokens, key: [5, 6] })
      expect(everyByte(model, mirrors)).not.toEqual(before)
      if (byLog) ungrowTo(model, 0, mirrors)
      else ungrow(model, record, mirrors)
      expect(everyByte(model, mirrors)).toEqual(before)
    }),
    { numRuns: times(6, 60) },
  )
})

test('the same key splits alike, another otherwise', () => {
  const sizes = { vocabulary: 7, context: 4, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }
  const wide = (key: readonly [number, number]): number[] => {
    const model = Gpt.create(sizes, { device, seed: 1 })
    const request = { kind: 'widenMlp', block: 'b0', to: 16, how: 'splitAtRandom' } as const
    applyPlan(planGrowth(model.config, request, key).plan, model.parameters, [], device)
    return numbersAt(model, 'blocks.b0.mlp.down.weight')
  }
  expect(wide([1, 2])).toEqual(wide([1, 2]))
  expect(wide([1, 2])).not.toEqual(wide([1, 3]))
})

/** How far the incoming weights of two halves are from each other after some steps, as a share of how far they have gone. */
async function partedAfter(steps: number, seed: number, how: 'split' | 'splitAtRandom'): Promise<number> {
  const sizes = { vocabulary: 11, context: 6, embed: 12, heads: 2, layers: 1, mlpHidden: 8 }
  const model = Gpt.create(sizes, { device, seed })
  using tokens = tokensFor(model, drawFrom(seed), 4)
  const optimizer = adamw({ learningRate: 0.01, weightDecay: 0 })
  let step = 0
  while (step < 20) learn(model, optimizer, tokens, step++)
  const { mirrors } = optimizer
  await grow(model, { kind: 'widenMlp', block: 'b0', to: 16, how }, { mirrors, key: [seed, 1] })
  const up = 'blocks.b0.mlp.up.weight'
  const before = numbersAt(model, up)
  while (step < 20 + steps) learn(model, optimizer, tokens, step++)
  const after = numbersAt(model, up)
  const norm = (numbers: readonly number[]): number => Math.hypot(...numbers)
  const apart = after.map((x, i) => (i % 16 < 8 ? x - after[i + 8] : 0))
  return norm(apart) / norm(after.map((x, i) => x - before[i]))
}

test('under Adam the halves part many times as fast as those of shares that are the same for all weights', async () => {
  for (const seed of [1, 2, 3]) {
    const [slow, fast] = [await partedAfter(15, seed, 'split'), await partedAfter(15, seed, 'splitAtRandom')]
    expect(fast).toBeGreaterThan(0.1)
    expect(fast / slow).toBeGreaterThan(3)
  }
})

test.each<[string, () => GradientTransform]>([
  ['adamw', () => adamw({ learningRate: 0.01, weightDecay: 0, copyPacing: Infinity })],
  ['lion', () => lion({ learningRate: 0.01, weightDecay: 0, copyPacing: Infinity })],
  ['sgd', () => sgd({ learningRate: 0.1, copyPacing: Infinity })],
])('the first step of both halves together is that of the whole, under %s', async (_, make) => {
  const stepped = async (grows: boolean): Promise<number[]> => {
    const sizes = { vocabulary: 11, context: 6, embed: 12, heads: 2, layers: 1, mlpHidden: 8 }
    const model = Gpt.create(sizes, { device, seed: 4 })
    using tokens = tokensFor(model, drawFrom(5))
    const optimizer = make()
    for (const step of [0, 1]) learn(model, optimizer, tokens, step)
    const request = { kind: 'widenMlp', block: 'b0', to: 16, how: 'splitAtRandom' } as const
    if (grows) await grow(model, request, { mirrors: optimizer.mirrors, key: [1, 2] })
    learn(model, optimizer, tokens, 2)
    const down = numbersAt(model, 'blocks.b0.mlp.down.weight')
    return grows ? down.slice(0, 96).map((x, i) => x + down[96 + i]) : down
  }
  const [whole, halves] = [await stepped(false), await stepped(true)]
  expect(Math.max(...whole.map((x, i) => Math.abs(x - halves[i])))).toBeLessThan(1e-12)
})

test('what takes it back takes its pace along', async () => {
  const sizes = { vocabulary: 11, context: 6, embed: 12, heads: 2, layers: 1, mlpHidden: 8 }
  const model = Gpt.create(sizes, { device, seed: 4 })
  using tokens = tokensFor(model, drawFrom(5))
  const optimizer = adamw({ learningRate: 0.01, copyPacing: 8 })
  learn(model, optimizer, tokens, 0)
  const before = await optimizer.toState()
  const request = { kind: 'widenMlp', block: 'b0', to: 14, how: 'splitAtRandom' } as const
  const record = await grow(model, request, { mirrors: optimizer.mirrors, key: [1, 2] })
  expect(await optimizer.toState()).toHaveProperty('copies')
  ungrow(model, record, optimizer.mirrors)
  expect(await optimizer.toState()).toEqual(before)
})

/** A matrix of two rows, of which the first becomes two, and a mean over its columns. */
function matrix() {
  const store = new ParameterStore()
  const means = new TensorMirror('means', 'gradient', (_, axis) => axis === 0)
  scope(() => {
    store.add(
      'w',
      ['mlpHidden', 'embed'],
      device.tensor([1, 2, 3, 4, 5, 6, 7, 8], { shape: [2, 4], dtype: 'f32' }),
    )
    means.set('w', device.tensor([10, 20], { shape: [2, 1], dtype: 'f32' }))
  })
  const planOf = (swaps: SliceSwaps): Plan => ({
    summary: 'split',
    key: [3, 4],
    changes: [
      {
        kind: 'resize',
        path: 'w',
        dimensions: [
          { from: 2, source: [0, 1, 0], valueFactor: [0.25, 1, 0.75] },
          { from: 4, source: [0, 1, 2, 3] },
        ],
        fresh: { kind: 'zero' },
        swaps,
      },
    ],
  })
  return { store, means, planOf }
}

test('a mirror without all axes has nothing to swap, and goes there and back', () => {
  const { store, means, planOf } = matrix()
  const plan = planOf({ axis: 0, pairs: [[0, 2]] })
  applyPlan(plan, store, [means], device)
  expect([...(means.get('w')?.readSync() ?? [])]).toEqual([10, 20, 10])
  applyPlan(inversePlan(plan), store, [means], device)
  expect([...(means.get('w')?.readSync() ?? [])]).toEqual([10, 20])
  expect([...store.get('w').tensor.readSync()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})

test('swaps of slices that there are not, or of one slice twice, are refused', () => {
  const { store, planOf } = matrix()
  const wrong: readonly SliceSwaps[] = [
    { axis: 0, pairs: [[0, 3]] },
    { axis: 0, pairs: [[-1, 0]] },
    { axis: 0, pairs: [[0, 0.5]] },
    { axis: 2, pairs: [[0, 1]] },
    { axis: -1, pairs: [[0, 1]] },
    {
      axis: 0,
      pairs: [
        [0, 2],
        [1, 2],
      ],
    },
    { axis: 0, pairs: [[0, 2]], before: true },
  ]
  for (const swaps of wrong)
    expect(() => applyPlan(planOf(swaps), store, [], device), JSON.stringify(swaps)).toThrow(ParameterError)
  expect([...store.get('w').tensor.readSync()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})
