/** Adapters that become part of the weights and are taken out again, and growth beneath them. */
import { AdapterError, Gpt, mergeLora } from '@burgeon/gpt'
import { grow, holdModel, ungrow } from '@burgeon/gpt/growth'
import { sgd } from '@burgeon/autograd/optim'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawFrom, drawRequest, everyByte, learn, tokensFor } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'
import { drawAdapter, drawModel, farthest, logitsWith } from './drawn-adapter.ts'

const seeds = Array.from({ length: times(25, 300) }, (_, i) => i + 1)

describe.each([
  ['the reference', openReference(), 1e-9],
  ['wasm', openWasm(), 2e-4],
] as const)('on %s', (_, device, tolerance) => {
  test('a merged model computes what the adapted one did; unmerging brings every byte back', async () => {
    for (const seed of seeds) {
      const model = drawModel(seed, device)
      const [first, second] = [
        await drawAdapter(model, drawFrom(seed)),
        await drawAdapter(model, drawFrom(seed + 1)),
      ]
      const tokens = tokensFor(model, drawFrom(seed))
      const [bytes, adapted] = [everyByte(model, []), logitsWith(model, tokens, first)]
      const merged = mergeLora(model, first)
      expect(farthest(logitsWith(model, tokens), adapted)).toBeLessThan(tolerance)
      const between = everyByte(model, [])
      const again = mergeLora(model, second)
      const maps = new Set(first.config.modules.flatMap((module) => module.maps))
      const areApart = second.config.modules.every((module) => module.maps.every((map) => !maps.has(map)))
      if (!areApart) await expect(merged.unmerge()).rejects.toThrow(AdapterError)
      await again.unmerge()
      expect(everyByte(model, [])).toEqual(between)
      await merged.unmerge()
      expect(everyByte(model, [])).toEqual(bytes)
    }
  })

  test('growth leaves what a model computes with an adapter as it is, or the adapter is refused', async () => {
    let [followed, refused] = [0, 0]
    for (const seed of seeds) {
      const model = drawModel(seed, device)
      const random = drawFrom(seed + 50)
      const adapter = await drawAdapter(model, random)
      const tokens = tokensFor(model, drawFrom(seed))
      const before = logitsWith(model, tokens, adapter)
      const record = await grow(model, drawRequest(model.config, random), {
        ...{ mirrors: [], probe: tokens, key: [1, 2], tolerance: Infinity },
      })
      try {
        const after = logitsWith(model, tokens, adapter)
        if (record.logitsMoved < 1e-5) expect(farthest(after, before)).toBeLessThan(10 * tolerance)
        followed++
      } catch (error) {
        if (!(error instanceof AdapterError)) throw error
        expect(error.message).toContain('merge the adapter before growth (mergeLora)')
        refused++
      }
      ungrow(model, record, [])
      expect(logitsWith(model, tokens, adapter)).toEqual(before)
    }
    expect(Math.min(followed, refused)).toBeGreaterThan(3)
  })
})

const device = openWasm()
const model = Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1 }, { device, seed: 1 })

test('what has learnt since the merge is not thrown away', async () => {
  const adapter = await drawAdapter(model, drawFrom(1), { rank: 2, targets: ['up'] })
  const merged = mergeLora(model, adapter)
  learn(model, sgd(0.1), tokensFor(model, drawFrom(2)), 0)
  const learnt = everyByte(model, [])
  await expect(merged.unmerge()).rejects.toThrow('blocks.b0.mlp.up.weight changed since the merge')
  expect(everyByte(model, [])).toEqual(learnt)
  merged[Symbol.dispose]()
  await expect(merged.unmerge()).rejects.toThrow('not merged any more')
})

test('a merge waits for nobody: a model that is held, or an adapter of another size, is refused', async () => {
  const adapter = await drawAdapter(model, drawFrom(1))
  const merged = mergeLora(model, adapter)
  {
    using _ = holdModel(model)
    expect(() => mergeLora(model, adapter)).toThrow(OptionError)
    await expect(merged.unmerge()).rejects.toThrow(OptionError)
  }
  const other = Gpt.create({ context: 8, embed: 12, heads: 2, layers: 1 }, { device })
  expect(() => mergeLora(other, adapter)).toThrow('mergeLora: got an adapter for embed 8 and a model with 12')
  await merged.unmerge()
  adapter.dispose()
  expect(() => mergeLora(model, adapter)).toThrow('disposed')
})

test('merges leave no buffer behind', async () => {
  const adapter = await drawAdapter(model, drawFrom(1))
  const before = device.memory.buffers
  await mergeLora(model, adapter).unmerge()
  expect(device.memory.buffers).toBe(before)
})
