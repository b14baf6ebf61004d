/** What stands beside parameters that are copied into being: averages, importance, anchors and moments come along, by their roles. */
import { adamw, chain, movingAverage } from '@burgeon/autograd/optim'
import { fisherInformation, onlineEwc } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { grow, type GrowthRequest, planGrowth, stateBytesOf, ungrow } from '@burgeon/gpt/growth'
import { assign, fill, multiply, scope, TensorMirror } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import {
  drawConfig,
  drawFrom,
  drawRequest,
  everyByte,
  learn,
  modelOf,
  type Numbers,
  numbersOf,
  relativeDifference,
  tokensFor,
} from './tiny-model.ts'
import { costOf } from '../continual/cost-of.ts'
import { times } from '../how-long.ts'

const device = openReference()
const seeds = Array.from({ length: times(5, 10) }, (_, i) => i + 1)

const drawn = (seed: number): Gpt => modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)

/** Exact requests: drawn ones, and those that copy. */
function requestsFor(model: Gpt, seed: number): GrowthRequest[] {
  const { id, expertShares = [1], mlpHidden, heads, kvHeads } = model.config.blocks[0]
  const copying: GrowthRequest[] = [
    { kind: 'addExperts', block: id, to: expertShares.length + 1 },
    { kind: 'addExperts', block: id, to: expertShares.length + 3 },
    { kind: 'addLayer', at: 1, how: 'copy' },
    { kind: 'copyLayers', writes: 'nothing' },
    { kind: 'widenMlp', block: id, to: 2 * mlpHidden, how: 'split' },
    ...(kvHeads < heads ? [{ kind: 'addKvHeads', block: id, to: heads } as const] : []),
  ]
  return [...copying, drawRequest(model.config, drawFrom(seed + 7))].filter(
    (request) => planGrowth(model.config, request, [1, 2]).isExact,
  )
}

describe('after exact growth', () => {
  test('the averaged model says what it said, on every axis', async () => {
    for (const seed of seeds) {
      for (let i = 0; ; i++) {
        const model = drawn(seed)
        const request = requestsFor(model, seed).at(i)
        if (request === undefined) break
        const average = movingAverage(0.5)
        const optimizer = chain(adamw({ learningRate: 0.1 }), average)
        using tokens = tokensFor(model, drawFrom(seed))
        for (let step = 0; step < 3; step++) learn(model, optimizer, tokens, step)
        const says = (): number[] =>
          scope(() => [...model.forward(tokens, average.tensors(model.parameters.tensors())).readSync()])
        const [before, own] = [says(), scope(() => [...model.forward(tokens).readSync()])]
        expect(relativeDifference(own, before)).toBeGreaterThan(1e-3)
        await grow(model, request, { mirrors: optimizer.mirrors, probe: tokens, key: [1, 2] })
        expect(relativeDifference(before, says()), `${JSON.stringify(request)}, seed ${seed}`).toBeLessThan(
          1e-9,
        )
      }
    }
  })
  test('the penalty of EWC costs what it cost, wherever the weights have gone since', async () => {
    for (const seed of seeds) {
      for (let i = 0; ; i++) {
        const model = drawn(seed)
        const request = requestsFor(model, seed).at(i)
        if (request === undefined) break
        const { ewc, costs } = consolidated(model, seed)
        const before = costs()
        using probe = tokensFor(model, drawFrom(seed))
        const bytes = everyByte(model, ewc.mirrors)
        const record = await grow(model, request, { mirrors: ewc.mirrors, probe, key: [1, 2] })
        expect(Math.abs(costs() - before) / before, `${JSON.stringify(request)}, seed ${seed}`).toBeLessThan(
          1e-9,
        )
        ungrow(model, record, ewc.mirrors)
        expect(everyByte(model, ewc.mirrors)).toEqual(bytes)
      }
    }
  })
})

/** EWC whose anchors are a tenth away from the weights. */
function consolidated(model: Gpt, seed: number) {
  const random = drawFrom(seed + 50)
  const length = model.config.context - 1
  const tokens = Int32Array.from({ length: 3 * (length + 1) }, () => random.below(model.config.vocabulary))
  const ewc = onlineEwc({ strength: 10 })
  ewc.consolidate(model, { rows: 3, length, tokens, domains: ['a', 'b', 'c'] })
  scope(() => {
    for (const { tensor } of model.parameters) assign(tensor, multiply(tensor, 1.1))
  })
  const costs = (): number => scope(() => costOf(ewc, model)?.item() ?? Number.NaN)
  return { ewc, costs }
}

test('copies that share what they write leave the penalty of EWC where it was, too', async () => {
  for (const seed of seeds.slice(0, 8)) {
    for (const copies of [1, 2, 3]) {
      const model = drawn(seed)
      const { ewc, costs } = consolidated(model, seed)
      const before = costs()
      using probe = tokensFor(model, drawFrom(seed))
      const request = { kind: 'copyLayers', order: 'beside', writes: 'shared', copies } as const
      await grow(model, request, { mirrors: ewc.mirrors, probe, key: [1, 2] })
      expect(Math.abs(costs() - before) / before).toBeLessThan(1e-9)
    }
  }
})

test('squared gradients of two experts with equal gates are what would be measured', async () => {
  for (const seed of seeds.slice(0, 8)) {
    const config = drawConfig(drawFrom(seed))
    const blocks = config.blocks.map(({ expertShares: _, ...block }) => block)
    const model = modelOf({ ...config, blocks }, drawFrom(seed + 100), device)
    const random = drawFrom(seed + 50)
    const length = config.context - 1
    const tokens = Int32Array.from({ length: 3 * (length + 1) }, () => random.below(config.vocabulary))
    const sample = { rows: 3, length, tokens, domains: ['a', 'b', 'c'] }
    const measured = (): Numbers => {
      let row = 0
      return scope(() => numbersOf(fisherInformation(model, sample, () => [3, row++])))
    }
    const mirror = new TensorMirror('squares', 'squaredGradient')
    scope(() => {
      let row = 0
      for (const [path, squares] of Object.entries(fisherInformation(model, sample, () => [3, row++])))
        mirror.set(path, squares)
    })
    using probe = tokensFor(model, drawFrom(seed))
    await grow(model, { kind: 'addExperts', block: 'b0', to: 2 }, { mirrors: [mirror], probe, key: [1, 2] })
    scope(() => {
      const { tensor } = model.parameters.get('blocks.b0.mlp.router.weight')
      assign(tensor, fill(device, tensor.shape, 0))
    })
    for (const [path, expected] of Object.entries(measured())) {
      if (path.includes('router')) continue
      const mapped = [...(mirror.get(path)?.readSync() ?? [])]
      const largest = Math.max(1e-3, ...expected)
      expect(mapped.length, path).toBe(expected.length)
      expected.forEach((x, i) =>
        expect(Math.abs(mapped[i] - x), `${path}[${i}]`).toBeLessThan(1e-9 * largest),
      )
    }
  }
})

test('room for importance and anchors is counted before the first consolidation', () => {
  const model = drawn(1)
  const ewc = onlineEwc({ strength: 10 })
  expect(stateBytesOf(ewc.mirrors)).toBe(0)
  const expected = stateBytesOf(ewc.mirrors, model.parameters.size)
  expect(expected).toBe(8 * model.parameters.size)
})
