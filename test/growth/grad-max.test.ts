/** New units whose outgoing weights are measured: nothing is written yet, and what comes in has the largest gradient there is. */
import { adamw, sgd } from '@burgeon/autograd/optim'
import { grad } from '@burgeon/autograd'
import {
  gradMaxRequest,
  growByGradient,
  growOnSchedule,
  Learner,
  measureBlocks,
  passOf,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt, type GptConfig } from '@burgeon/gpt'
import { grow, planGrowth, replayGrowth, ungrow, ungrowTo, type WidenMlp } from '@burgeon/gpt/growth'
import {
  assign,
  divide,
  fill,
  OptionError,
  type RandomStream,
  scope,
  sum,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { drawConfig, drawFrom, everyByte, learn, modelOf, numbersOf, tokensFor } from './tiny-model.ts'

const device = openReference()
const aSeed = fc.integer({ min: 1, max: 2 ** 31 })

const withoutExperts = (config: GptConfig): GptConfig => ({
  ...config,
  blocks: config.blocks.map(({ expertShares: _, ...block }) => block),
})

function batchFor({ config }: Gpt, random: RandomStream): TokenBatch {
  const [rows, length] = [4, config.context - 1]
  const tokens = Int32Array.from({ length: rows * (length + 1) }, () => random.below(config.vocabulary))
  return { rows, length, tokens, domains: ['a', 'b', 'c', 'd'] }
}

/** Norm of the gradient of the mean loss by all weights that come into the new units of a block. */
function learnt(model: Gpt, batch: TokenBatch, block: string, from: number): number {
  return scope(() => {
    const loss = (w: TensorsByPath) => {
      const { losses, tensors } = passOf(model, batch, w)
      return divide(sum(losses), tensors.counted.length)
    }
    const gradient = numbersOf(grad(loss)(model.parameters.tensors()))
    const up = gradient[`blocks.${block}.mlp.up.weight`]
    const { mlpHidden = 0 } = model.config.blocks.find(({ id }) => id === block) ?? {}
    return Math.hypot(...up.filter((_, i) => i % mlpHidden >= from))
  })
}

/** What new units could learn with these outgoing weights, and how far the logits moved. */
async function grown(
  config: GptConfig,
  seed: number,
  requestFor: (request: WidenMlp) => WidenMlp,
  units: number,
): Promise<readonly [norm: number, moved: number]> {
  const model = modelOf(config, drawFrom(seed + 1), device)
  const batch = batchFor(model, drawFrom(seed + 2))
  const { id, mlpHidden } = config.blocks[0]
  const measured = await gradMaxRequest(model, batch, { block: id, to: mlpHidden + units })
  using probe = tokensFor(model, drawFrom(seed))
  const { logitsMoved } = await grow(model, requestFor(measured), { mirrors: [], probe, key: [seed % 99, 2] })
  const norm = learnt(model, batch, id, mlpHidden)
  model.dispose()
  return [norm, logitsMoved]
}

describe('incoming weights of new units', () => {
  test('have a larger gradient than with any random outgoing weights of the same length, and change nothing yet', async () => {
    await fc.assert(
      fc.asyncProperty(aSeed, async (seed) => {
        const config = withoutExperts(drawConfig(drawFrom(seed)))
        const units = 1 + (seed % Math.min(3, config.embed))
        const [best, moved] = await grown(config, seed, (request) => request, units)
        expect(moved).toBe(0)
        const random = drawFrom(seed + 9)
        const isFree = config.activation === 'swiglu'
        const others: number[] = []
        while (others.length < 4) {
          const [other, alike] = await grown(
            config,
            seed,
            ({ outgoing = [], ...request }) => ({
              ...request,
              outgoing: asLong(outgoing, config.embed, random, !isFree),
            }),
            units,
          )
          expect(alike).toBe(0)
          others.push(other)
        }
        // What the iteration has not come to may be a hair better.
        expect(best).toBeGreaterThan(0.99 * Math.max(...others))
        // All directions there are come to the same in any order.
        if (isFree || units < config.embed) {
          expect(best).toBeGreaterThan(others.reduce((total, x) => total + x, 0) / others.length)
        }
        expect(best).toBeGreaterThan(0)
      }),
      { numRuns: times(5, 40) },
    )
  })
  test('of one unit have the gradient that measureBlocks promises, under GELU', async () => {
    await fc.assert(
      fc.asyncProperty(aSeed, async (seed) => {
        const drawnConfig = withoutExperts(drawConfig(drawFrom(seed)))
        const config: GptConfig = {
          ...drawnConfig,
          activation: 'gelu',
          blocks: drawnConfig.blocks.slice(0, 1),
        }
        const model = modelOf(config, drawFrom(seed + 1), device)
        const { blocks } = await measureBlocks(model, batchFor(model, drawFrom(seed + 2)))
        const [best] = await grown(config, seed, (request) => request, 1)
        expect(Math.abs(best / blocks[0].gradMax - 1)).toBeLessThan(1e-2)
      }),
      { numRuns: times(5, 40) },
    )
  })
})

/** Random rows as long as these, orthogonal where these have to be: two along the best direction would learn more, and the same. */
function asLong(rows: readonly number[], width: number, random: RandomStream, areApart: boolean): number[] {
  const made: number[][] = []
  for (let start = 0; start < rows.length; start += width) {
    let own = Array.from({ length: width }, () => random.normal())
    for (const other of areApart ? made : []) {
      const along = dot(own, other) / dot(other, other)
      own = own.map((x, i) => x - along * other[i])
    }
    const length = Math.hypot(...rows.slice(start, start + width)) / Math.hypot(...own)
    made.push(own.map((x) => x * length))
  }
  return made.flat()
}
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i], 0)

test('all of a new unit learns within two steps, and undoing brings back every byte', async () => {
  for (const activation of ['gelu', 'swiglu'] as const) {
    const sizes = { vocabulary: 9, context: 6, embed: 8, heads: 2, layers: 2, mlpHidden: 6, activation }
    const model = Gpt.create(sizes, { device, seed: 3 })
    const batch = batchFor(model, drawFrom(4))
    using tokens = tokensFor(model, drawFrom(5))
    const optimizer = adamw({ learningRate: 0.01 })
    learn(model, optimizer, tokens, 0)
    const request = await gradMaxRequest(model, batch, { block: 'b1', to: 9 })
    const { mirrors } = optimizer
    const before = everyByte(model, mirrors)
    const record = await grow(model, request, { mirrors, key: [1, 2] })
    expect(replayGrowth(JSON.parse(JSON.stringify(model.growthLog))).config).toEqual(model.config)
    ungrow(model, record, mirrors)
    expect(everyByte(model, mirrors)).toEqual(before)
    await grow(model, request, { mirrors, key: [1, 2] })
    const seen = [1, 2].map((step) => learn(model, optimizer, tokens, step))
    const parts = ['up.weight', 'down.weight', ...(activation === 'swiglu' ? ['gate.weight'] : [])]
    for (const part of parts) {
      const path = `blocks.b1.mlp.${part}`
      const isNew = (i: number): boolean => (part === 'down.weight' ? i >= 6 * 8 : i % 9 >= 6)
      seen[1][path].forEach((g, i) => isNew(i) && expect(Math.abs(g), `${path}[${i}]`).toBeGreaterThan(0))
    }
    ungrowTo(model, 0, mirrors)
    model.dispose()
  }
})

test('directions are orthogonal, as long as present ones, and the same on every device but for rounding', async () => {
  const sizes = { vocabulary: 9, context: 6, embed: 8, heads: 2, layers: 1, mlpHidden: 6 }
  const made = [device, openWasm()].map(async (on) => {
    const model = Gpt.create(sizes, { device: on, seed: 3 })
    const down = [...model.parameters.get('blocks.b0.mlp.down.weight').tensor.readSync()]
    const { outgoing = [] } = await gradMaxRequest(model, batchFor(model, drawFrom(4)), {
      block: 'b0',
      to: 14,
    })
    const rows = Array.from({ length: 8 }, (_, i) => outgoing.slice(8 * i, 8 * i + 8))
    const length = Math.hypot(...down) / Math.sqrt(6)
    rows.forEach((one, i) =>
      rows.forEach((other, j) => {
        expect(Math.abs(dot(one, other) / length ** 2 - Number(i === j))).toBeLessThan(1e-5)
      }),
    )
    return outgoing.slice(0, 8).map((x) => x / length)
  })
  const [one, other] = await Promise.all(made)
  expect(Math.abs(one.reduce((s, x, i) => s + x * other[i], 0))).toBeGreaterThan(0.999)
})

test('where nothing writes yet, new units write as a new model does', async () => {
  const sizes = { vocabulary: 9, context: 6, embed: 8, heads: 2, layers: 1, mlpHidden: 6 }
  const model = Gpt.create(sizes, { device, seed: 3 })
  scope(() => {
    const { tensor } = model.parameters.get('blocks.b0.mlp.down.weight')
    assign(tensor, fill(device, tensor.shape, 0))
  })
  const batch = batchFor(model, drawFrom(4))
  const { outgoing = [] } = await gradMaxRequest(model, batch, { block: 'b0', to: 8 })
  for (const start of [0, 8]) {
    expect(Math.hypot(...outgoing.slice(start, start + 8))).toBeCloseTo(0.02 * Math.sqrt(8), 6)
  }
})

describe('a learner', () => {
  const sizes = { vocabulary: 12, context: 4, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }
  const rows = (step: number): TokenBatch => ({
    rows: 2,
    length: 4,
    tokens: Int32Array.from({ length: 10 }, (_, i) => (i * (step + 2) + step) % 12),
    domains: ['a', 'b'],
  })
  test('measures them in the step of the growth, on the rows just learnt, and its log says what it took', async () => {
    const model = Gpt.create(sizes, { device, seed: 3 })
    const learner = new Learner({
      model,
      optimizer: sgd(0.1),
      strategy: {
        growth: growOnSchedule([
          { step: 2, request: { kind: 'widenMlp', block: 'b0', to: 10, how: 'gradMax' } },
          { step: 3, request: { kind: 'widenMlp', block: 'b0', to: 19, how: 'gradMax' } },
        ]),
      },
    })
    await learner.observe(rows(0))
    const twin = Gpt.create(sizes, { device, seed: 3 })
    const same = new Learner({ model: twin, optimizer: sgd(0.1) })
    for (const step of [0, 1]) await same.observe(rows(step))
    const expected = await gradMaxRequest(twin, rows(1), { block: 'b0', to: 10 })
    await learner.observe(rows(1))
    const [entry] = model.growthLog.entries
    expect(entry.kind === 'grown' && entry.request).toEqual(expected)
    // More units than there are directions.
    const { events } = await learner.observe(rows(2))
    expect(events.map(({ kind, summary }) => [kind, summary.includes('at most 8 new ones')])).toEqual([
      ['growth refused', true],
    ])
  })
  test('grows so by a policy that is told to', async () => {
    const model = Gpt.create(sizes, { device, seed: 3 })
    const growth = growByGradient({ every: 2, threshold: 1e-9, how: 'gradMax' })
    const learner = new Learner({ model, optimizer: sgd(0.1), strategy: { growth } })
    for (const step of [0, 1, 2]) await learner.observe(rows(step))
    const [entry] = model.growthLog.entries
    expect(entry).toMatchObject({ request: { kind: 'widenMlp', to: 10, how: 'gradMax' } })
    expect(entry.summary).toBe('block b0: mlpHidden 8 → 10 (GradMax)')
  })
})

test('numbers of other units, for other growth, or for experts are refused', async () => {
  const sizes = { vocabulary: 9, context: 6, embed: 8, heads: 2, layers: 1, mlpHidden: 6 }
  const model = Gpt.create(sizes, { device, seed: 3 })
  const request: WidenMlp = { kind: 'widenMlp', block: 'b0', to: 7, how: 'gradMax' }
  const eight = Array.from({ length: 8 }, () => 1)
  const wrong: readonly [WidenMlp, string][] = [
    [{ ...request, outgoing: [1] }, 'got 1 numbers as outgoing; expected 8 finite ones'],
    [{ ...request, outgoing: [...eight.slice(1), Number.NaN] }, 'expected 8 finite ones'],
    [{ ...request, how: 'fresh', outgoing: eight }, 'got 8 numbers as outgoing; expected none'],
    [{ ...request, outgoing: eight, gate: eight }, 'got 8 numbers as gate; expected none'],
  ]
  for (const [own, message] of wrong) {
    expect(() => planGrowth(model.config, own, [1, 2])).toThrow(OptionError)
    expect(() => planGrowth(model.config, own, [1, 2])).toThrow(message)
  }
  await grow(model, { kind: 'addExperts', block: 'b0', to: 2 }, { mirrors: [], key: [1, 2] })
  expect(() => planGrowth(model.config, request, [1, 2])).toThrow('2 experts; expected a block with one MLP')
})
