/** Adapters beside a model: what each adds, and that rows of one batch do not touch each other. */
import { AdapterError, byteTokenizer, Gpt, KeyValueCache, LoraAdapter } from '@burgeon/gpt'
import { OptionError, scope, slice, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawFrom, tokensFor } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'
import { drawAdapter, drawModel, farthest, logitsWith } from './drawn-adapter.ts'

const seeds = Array.from({ length: times(20, 200) }, (_, i) => i + 1)
const rowOf = (tokens: Tensor, row: number): Tensor => slice(tokens, [row], [row + 1])

describe.each([
  ['the reference', openReference(), 1e-9],
  ['wasm', openWasm(), 2e-4],
] as const)('on %s', (_, device, tolerance) => {
  test('a new adapter changes no bit', () => {
    for (const seed of seeds) {
      const model = drawModel(seed, device)
      const tokens = tokensFor(model, drawFrom(seed))
      const adapter = LoraAdapter.create(
        model,
        { rank: 2, targets: ['qkv', 'output', 'up', 'down'] },
        { seed },
      )
      expect(logitsWith(model, tokens, adapter)).toEqual(logitsWith(model, tokens))
    }
  })

  test('an adapter adds scale·A·B to each weight of its maps', async () => {
    let moved = 0
    for (const seed of seeds) {
      const model = drawModel(seed, device)
      const adapter = await drawAdapter(model, drawFrom(seed + 7))
      const tokens = tokensFor(model, drawFrom(seed))
      const state = await model.toState()
      const { weights } = await adapter.toState()
      for (const { path, maps, rank, scale } of adapter.config.modules) {
        for (const map of maps) {
          const { shape, data } = state.weights[`${map}.weight`]
          const [a, b] = [weights[`${path}.lora.a.weight`].data, weights[`${map}.lora.b.weight`].data]
          const columns = b.length / rank
          const changed = Float64Array.from(data, (w, i) => {
            const [row, column] = [Math.floor(i / columns), i % columns]
            let product = 0
            for (let r = 0; r < rank; r++) product += a[row * rank + r] * b[r * columns + column]
            return w + scale * product
          })
          Object.assign(state.weights, { [`${map}.weight`]: { shape, data: changed } })
        }
      }
      const dense = Gpt.fromState(state, device)
      expect(farthest(logitsWith(model, tokens, adapter), logitsWith(dense, tokens))).toBeLessThan(tolerance)
      if (farthest(logitsWith(model, tokens, adapter), logitsWith(model, tokens)) > 10 * tolerance) moved++
    }
    expect(moved).toBeGreaterThan(0.8 * seeds.length)
  })

  test('three adapters and none in one batch give the bits of four runs, with and without a cache', async () => {
    for (const seed of seeds) {
      const model = drawModel(seed, device)
      const tokens = tokensFor(model, drawFrom(seed), 5)
      const [a, b, c] = [
        await drawAdapter(model, drawFrom(seed + 1)),
        await drawAdapter(model, drawFrom(seed + 2)),
        await drawAdapter(model, drawFrom(seed + 3)),
      ]
      const rows = [a, a, null, b, c]
      const alone = rows.flatMap((adapter, row) =>
        scope(() => logitsWith(model, rowOf(tokens, row), adapter ?? undefined)),
      )
      expect(logitsWith(model, tokens, rows)).toEqual(alone)
      const { context } = model.config
      const cached = scope(() => {
        using cache = new KeyValueCache(model.config, device, 5)
        const step = (t: number): ArrayLike<number> =>
          model.forward(slice(tokens, [0, t], [5, t + 1]), undefined, { cache, adapters: rows }).readSync()
        return Array.from({ length: context }, (_, t) => Array.from(step(t)))
      })
      const V = model.config.vocabulary
      const byRow = rows.flatMap((_, row) => cached.flatMap((step) => step.slice(row * V, (row + 1) * V)))
      expect(farthest(byRow, alone)).toBeLessThan(tolerance)
    }
  })
})

const device = openWasm()
const sizes = { context: 16, embed: 8, heads: 2, layers: 2 }

describe('generation', () => {
  const model = Gpt.create(sizes, { device, seed: 1 })
  const prompts = ['a', 'bcd', 'ef', 'g']
  const options = { tokens: 6, tokenizer: byteTokenizer, seed: 3 }

  test('a row writes with its adapter what it writes alone, and a draft changes nothing', async () => {
    const [a, b] = [await drawAdapter(model, drawFrom(1)), await drawAdapter(model, drawFrom(2))]
    const adapters = [a, null, b, a]
    const greedy = { ...options, temperature: 0 }
    const together = await model.generate(prompts, { ...greedy, adapters })
    const drafted = await model.generate(prompts, { ...greedy, adapters, draft: model })
    for (const [i, prompt] of prompts.entries()) {
      const own = adapters[i]
      const { tokens } = await model.generate(prompt, { ...greedy, ...(own && { adapters: own }) })
      expect(together[i].tokens).toEqual(tokens)
      expect(drafted[i].tokens).toEqual(tokens)
    }
    expect(new Set(together.map(({ text }) => text)).size).toBeGreaterThan(1)
  })

  test('a text is written by the adapter of its first token, or by that of each moment', async () => {
    const writes = async (weights: 'snapshot' | 'live', isChanged: boolean): Promise<readonly number[]> => {
      const adapter = await drawAdapter(model, drawFrom(5))
      const other = await (
        await drawAdapter(model, drawFrom(6), { rank: 3, targets: ['down', 'qkv'] })
      ).toState()
      const written: number[] = []
      for await (const token of model.generate([1], {
        tokens: 8,
        temperature: 0,
        weights,
        adapters: adapter,
      })) {
        written.push(token)
        if (isChanged && written.length === 1) adapter.restore(other, model)
      }
      return written
    }
    expect(await writes('snapshot', true)).toEqual(await writes('snapshot', false))
    expect(await writes('live', true)).not.toEqual(await writes('live', false))
  })

  test('no buffer is left behind', async () => {
    const adapter = await drawAdapter(model, drawFrom(1))
    const before = device.memory.buffers
    await model.generate(prompts, { ...options, adapters: [adapter, adapter, null, null] })
    expect(device.memory.buffers).toBe(before)
  })
})

describe('what cannot be is refused, and says what to do', () => {
  const model = Gpt.create(sizes, { device, seed: 1 })
  const tokens = tokensFor(model, drawFrom(1), 3)

  test('another number of adapters than rows', async () => {
    const adapter = LoraAdapter.create(model, { rank: 1 })
    expect(() => logitsWith(model, tokens, [adapter, null])).toThrow('got 2 adapters for 3 rows')
    expect(() =>
      model.generate(['a'], { tokens: 1, tokenizer: byteTokenizer, adapters: [adapter, null] }),
    ).toThrow('got 2 adapters for 1 rows')
  })

  test('an adapter of another model, and one that was disposed', () => {
    const other = Gpt.create({ ...sizes, mlpHidden: 12 }, { device })
    const adapter = LoraAdapter.create(other, { rank: 1 })
    expect(() => logitsWith(model, tokens, adapter)).toThrow(AdapterError)
    expect(() => logitsWith(model, tokens, adapter)).toThrow('mlpHidden 12 in block b0 and a model with 32')
    adapter.dispose()
    expect(() => logitsWith(other, tokens, adapter)).toThrow('Has it been disposed?')
  })

  test('options outside their range', () => {
    for (const options of [
      { rank: 0 },
      { rank: 1.5 },
      { rank: 1, alpha: 0 },
      { rank: 1, alpha: Infinity },
      { rank: 1, dropout: 1 },
      { rank: 1, targets: [] },
      { rank: 1, targets: ['query', 'query'] },
      { rank: 1, targets: ['qkv', 'key'] },
      { rank: 1, targets: ['gate'] },
      { rank: 1, targets: ['head'] },
    ]) {
      expect(() => LoraAdapter.create(model, options as { rank: number })).toThrow(OptionError)
    }
  })

  test('rsLoRA divides by the root of the rank', () => {
    const [plain, rooted] = [false, true].map((useRslora) =>
      LoraAdapter.create(model, { rank: 4, alpha: 6, useRslora }),
    )
    expect(plain.config.modules[0].scale).toBe(1.5)
    expect(rooted.config.modules[0].scale).toBe(3)
  })
})
