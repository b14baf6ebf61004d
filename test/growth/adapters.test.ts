/** Low-rank adapters: what they add, that they alone can learn, and how they become part of the weights. */
import { adamw, byPath, sgd } from '@burgeon/autograd/optim'
import { type AdapterConfig, type Gpt, isAdapter } from '@burgeon/gpt'
import {
  forAllBlocks,
  grow,
  type GrowthRecord,
  type GrowthRequest,
  mergeAdapter,
  ungrow,
  holdModel,
} from '@burgeon/gpt/growth'
import { type Device, type Mirror, OptionError, scope, TensorMirror } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import {
  drawConfig,
  drawFrom,
  everyByte,
  isTensorMirror,
  learn,
  logitsOf,
  lossAndGradients,
  modelOf,
  numbersOf,
  relativeDifference,
  tokensFor,
} from './tiny-model.ts'

const seeds = Array.from({ length: 10 }, (_, i) => i + 1)

/** A drawn model without adapters, or with this one in every block. */
function drawn(seed: number, device: Device, adapter?: AdapterConfig): Gpt {
  const config = drawConfig(drawFrom(seed))
  const blocks = config.blocks.map(({ adapter: _, ...block }) => ({ ...block, ...(adapter && { adapter }) }))
  return modelOf({ ...config, blocks }, drawFrom(seed + 100), device)
}

async function grown(
  model: Gpt,
  request: GrowthRequest,
  mirrors: readonly Mirror[] = [],
): Promise<GrowthRecord> {
  using probe = tokensFor(model, drawFrom(1))
  return await grow(model, request, { mirrors, probe, key: [1, 2] })
}

describe.each([
  ['the reference', openReference(), 1e-12],
  ['wasm', openWasm(), 1e-5],
] as const)('an adapter on %s', (_, device, tolerance) => {
  test('says nothing at first; B learns at once, A as soon as B has moved', async () => {
    for (const seed of seeds) {
      const model = drawn(seed, device)
      const tokens = tokensFor(model, drawFrom(seed))
      const record = await grown(model, { kind: 'addAdapter', block: 'b0', to: 2, alpha: 1 })
      expect(record.logitsMoved).toBe(0)
      expect(model.config.blocks[0].adapter).toEqual({ rank: 2, scale: 0.5 })
      const [first, second] = [0, 1].map((step) => learn(model, sgd(0.1), tokens, step))
      const adapters = Object.keys(first).filter(isAdapter)
      expect(adapters.length).toBeGreaterThanOrEqual(12)
      for (const path of adapters) {
        const isA = path.endsWith('.a.weight')
        expect(
          first[path].every((gradient) => (gradient === 0) === isA),
          path,
        ).toBe(true)
        expect(
          second[path].every((gradient) => gradient !== 0),
          path,
        ).toBe(true)
      }
    }
  })
  test('keeps every number and its scale when its rank grows', async () => {
    for (const seed of seeds) {
      const model = drawn(seed, device, { rank: 2, scale: 0.75 })
      const before = numbersOf(model.parameters.tensors())
      const record = await grown(model, { kind: 'addAdapter', block: 'b0', to: 5 })
      expect(record.logitsMoved).toBeLessThanOrEqual(tolerance)
      expect(model.config.blocks[0].adapter).toEqual({ rank: 5, scale: 0.75 })
      const after = numbersOf(model.parameters.tensors())
      for (const path of Object.keys(before).filter((own) => /^blocks\.b0\..*\.adapter\./.test(own))) {
        const isA = path.endsWith('.a.weight')
        const [old, fresh] = [[] as number[], [] as number[]]
        const width = after[path].length / 5
        after[path].forEach((x, i) => ((isA ? i % 5 : Math.floor(i / width)) < 2 ? old : fresh).push(x))
        expect(old).toEqual(before[path])
        expect(fresh.every((x) => (x === 0) === !isA)).toBe(true)
      }
    }
  })
  test('can learn alone: no other number moves by a bit', async () => {
    for (const seed of seeds.slice(0, 4)) {
      const model = drawn(seed, device)
      const tokens = tokensFor(model, drawFrom(seed))
      for (const request of forAllBlocks(model.config, { kind: 'addAdapter', to: 2 }))
        await grown(model, request)
      const optimizer = byPath((path) => (isAdapter(path) ? 'adapters' : 'others'), {
        adapters: adamw({ learningRate: 0.02 }),
        others: sgd(0),
      })
      const before = numbersOf(model.parameters.tensors())
      const lossNow = (): number => scope(() => lossAndGradients(model, tokens).value.item())
      const lossBefore = lossNow()
      for (let step = 0; step < 8; step++) learn(model, optimizer, tokens, step)
      const after = numbersOf(model.parameters.tensors())
      for (const [path, numbers] of Object.entries(before)) {
        if (isAdapter(path)) expect(after[path], path).not.toEqual(numbers)
        else expect(after[path], path).toEqual(numbers)
      }
      expect(lossNow()).toBeLessThan(lossBefore)
    }
  })
  test('becomes part of the weights, and what was kept of them follows', async () => {
    for (const seed of seeds) {
      const model = drawn(seed, device, { rank: 2, scale: 0.75 })
      const tokens = tokensFor(model, drawFrom(seed))
      const optimizer = adamw({ learningRate: 0.01 })
      learn(model, optimizer, tokens, 0)
      const anchor = new TensorMirror('anchor', 'value')
      scope(() => {
        for (const { path, tensor } of model.parameters)
          anchor.set(path, device.tensor(tensor.readSync(), tensor))
      })
      const mirrors = [...optimizer.mirrors, anchor]
      const [before, { buffers }] = [logitsOf(model, tokens), device.memory]
      const [adapters, others] = [true, false].map((wanted) =>
        [...model.parameters].filter(
          ({ path }) => wanted === (path.startsWith('blocks.b0.') && isAdapter(path)),
        ),
      )
      const size = adapters.reduce((total, { tensor }) => total + tensor.size, 0)
      const record = mergeAdapter(model, 'b0', mirrors)
      expect(record.summary).toBe('block b0: adapter of rank 2 merged')
      expect(record.parametersBefore - record.parametersAfter).toBe(size)
      expect(model.parameters.size).toBe(record.parametersAfter)
      expect(relativeDifference(before, logitsOf(model, tokens))).toBeLessThanOrEqual(tolerance)
      expect(model.config.blocks[0]).not.toHaveProperty('adapter')
      // Parameters, anchor and two moments of each adapter are gone.
      expect(device.memory.buffers).toBe(buffers - 4 * adapters.length)
      const weights = numbersOf(model.parameters.tensors())
      expect(Object.keys(weights)).toEqual(others.map(({ path }) => path))
      for (const mirror of mirrors.filter(isTensorMirror)) expect(mirror.paths).toEqual(Object.keys(weights))
      for (const path of anchor.paths)
        expect([...(anchor.get(path)?.readSync() ?? [])]).toEqual(weights[path])
    }
  })
})

describe('an adapter that cannot be', () => {
  const device = openReference()
  const model = drawn(3, device, { rank: 2, scale: 0.75 })
  const bare = drawn(3, device)
  const impossible: readonly [Gpt, GrowthRequest, string][] = [
    [
      model,
      { kind: 'addAdapter', block: 'b0', to: 2 },
      'grow addAdapter: got to = 2; expected an integer above 2.',
    ],
    [
      bare,
      { kind: 'addAdapter', block: 'b0', to: 0 },
      'grow addAdapter: got to = 0; expected an integer above 0.',
    ],
    [bare, { kind: 'addAdapter', block: 'b0', to: 1.5 }, 'got to = 1.5'],
    [bare, { kind: 'addAdapter', block: 'b7', to: 1 }, 'grow addAdapter: no block b7; this model has b0'],
    [
      bare,
      { kind: 'addAdapter', block: 'b0', to: 1, alpha: 0 },
      'grow addAdapter: got alpha = 0; expected a finite number',
    ],
    [bare, { kind: 'addAdapter', block: 'b0', to: 1, alpha: Number.NaN }, 'got alpha = NaN'],
    [
      model,
      { kind: 'addAdapter', block: 'b0', to: 3, alpha: 3 },
      'grow addAdapter: got alpha = 3 for the adapter that block b0 has; expected none. Its scale stays 0.75.',
    ],
  ]
  test.each(impossible)('%# is an error, and nothing has changed', async (own, request, message) => {
    const before = everyByte(own, [])
    await expect(grown(own, request)).rejects.toThrow(OptionError)
    await expect(grown(own, request)).rejects.toThrow(message)
    expect(everyByte(own, [])).toEqual(before)
  })
  test('is not merged where there is none, while the model is held, or where a mirror does not follow', () => {
    const before = everyByte(model, [])
    expect(() => mergeAdapter(bare, 'b0', [])).toThrow('mergeAdapter: block b0 has no adapter; expected one.')
    expect(() => mergeAdapter(model, 'b7', [])).toThrow(OptionError)
    {
      using _ = holdModel(model)
      expect(() => mergeAdapter(model, 'b0', [])).toThrow('is busy with a learning step')
    }
    const stubborn: Mirror = {
      name: 'stubborn',
      keep: () => Promise.resolve({}),
      remap() {
        throw new Error('I do not grow')
      },
    }
    expect(() => mergeAdapter(model, 'b0', [stubborn])).toThrow('I do not grow')
    expect(everyByte(model, [])).toEqual(before)
  })
  test('is not taken back once it is merged', async () => {
    const own = drawn(4, device)
    const record = await grown(own, { kind: 'addAdapter', block: 'b0', to: 2 })
    mergeAdapter(own, 'b0', [])
    const before = everyByte(own, [])
    expect(() => ungrow(own, record, [])).toThrow('is not as "block b0: adapter of rank 2" left it')
    expect(everyByte(own, [])).toEqual(before)
  })
})

describe('a request for all blocks', () => {
  const config = {
    ...drawConfig(drawFrom(1)),
    blocks: [
      { id: 'b0', mlpHidden: 4, heads: 4, kvHeads: 2, headDim: 2 },
      { id: 'b2', mlpHidden: 6, heads: 2, kvHeads: 2, headDim: 4, adapter: { rank: 3, scale: 1 } },
      { id: 'b1', mlpHidden: 5, heads: 3, kvHeads: 3, headDim: 2, expertShares: [1, 1] },
    ],
  }
  const blocksOf = (request: Parameters<typeof forAllBlocks>[1]): string[] =>
    forAllBlocks(config, request).map(({ block }) => block)
  test('is one for each that is not as large yet, from the input to the output', () => {
    expect(forAllBlocks(config, { kind: 'addAdapter', to: 3, alpha: 6 })).toEqual([
      { kind: 'addAdapter', block: 'b0', to: 3, alpha: 6 },
      { kind: 'addAdapter', block: 'b1', to: 3, alpha: 6 },
    ])
    expect(blocksOf({ kind: 'addAdapter', to: 4 })).toEqual(['b0', 'b2', 'b1'])
    expect(blocksOf({ kind: 'addExperts', to: 2 })).toEqual(['b0', 'b2'])
    expect(blocksOf({ kind: 'widenMlp', to: 6, how: 'split' })).toEqual(['b0', 'b1'])
    expect(blocksOf({ kind: 'addHeads', to: 4 })).toEqual(['b2', 'b1'])
    expect(blocksOf({ kind: 'addKvHeads', to: 4 })).toEqual(['b0', 'b2', 'b1'])
    expect(blocksOf({ kind: 'widenHeads', to: 4 })).toEqual(['b0', 'b1'])
    expect(blocksOf({ kind: 'widenHeads', to: 2 })).toEqual([])
  })
  test('is an error where the kind is not one of single blocks', () => {
    const wrong = { kind: 'widenEmbed', to: 9 } as unknown as Parameters<typeof forAllBlocks>[1]
    expect(() => forAllBlocks(config, wrong)).toThrow(OptionError)
    expect(() => forAllBlocks(config, wrong)).toThrow(
      'forAllBlocks: got kind widenEmbed; expected one of widenMlp',
    )
  })
})
