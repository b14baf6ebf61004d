import { type CacheFormat, generate, Gpt, gptConfig, KeyValueCache } from '@burgeon/gpt'
import { type Device, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, modelOf } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'

/** The logits after each token, read one by one. */
function stepByStep(model: Gpt, tokens: readonly number[], format: CacheFormat): number[][] {
  using cache = new KeyValueCache(model.config, model.device, 1, format)
  return tokens.map((token) =>
    scope(() => {
      const input = model.device.tensor([token], { shape: [1, 1], dtype: 'i32' })
      return [...model.forward(input, undefined, { cache }).readSync()]
    }),
  )
}

const distance = (a: readonly number[][], b: readonly number[][]): number =>
  Math.max(...a.flatMap((row, t) => row.map((x, i) => Math.abs(x - b[t][i])))) /
  Math.max(...b.flat().map(Math.abs))

/** Farther apart than half floats and bytes with a scale of each head can explain. */
const bounds = { f16: 3e-3, int8: 5e-2 } as const

describe.each<[string, Device]>([
  ['wasm', openWasm()],
  ['the reference', openReference()],
])('a cache on %s', (_, device) => {
  test.each(['f16', 'int8'] as const)('in %s predicts nearly what one in single floats does', (format) => {
    for (let seed = 1; seed <= times(8, 30); seed++) {
      const model = modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)
      const { context, vocabulary } = model.config
      const tokens = Array.from({ length: context }, (_token, i) => (i * 7 + seed) % vocabulary)
      const exact = stepByStep(model, tokens, 'f32')
      expect(distance(stepByStep(model, tokens, format), exact)).toBeLessThan(bounds[format])
      model.dispose()
    }
  })
})

describe('a cache in other formats', () => {
  const sizes = { vocabulary: 50, context: 256, embed: 64, heads: 2, layers: 2 } as const

  test('really takes half the memory in f16, and little more than a quarter in int8', () => {
    const bytesOf = (format: CacheFormat): number => {
      const device = openWasm()
      using cache = new KeyValueCache(gptConfig({ ...sizes, embed: 128 }), device, 3, format)
      cache.reserve(200)
      return device.memory.bytes
    }
    const whole = bytesOf('f32')
    expect(bytesOf('f16')).toBe(whole / 2)
    expect(bytesOf('int8')).toBe((whole * (1 + 16)) / 64)
  })

  test('is what generation remembers in, and row by row as in a batch', async () => {
    const model = Gpt.create(sizes, { device: openWasm(), seed: 2 })
    const before = model.device.memory.buffers
    for (const cacheFormat of ['f16', 'int8'] as const) {
      const options = { tokens: 90, temperature: 0, cacheFormat }
      const prompts = [[1, 2, 3], [4], [5, 6, 7]]
      const together = await generate(model, prompts, options)
      for (const [i, prompt] of prompts.entries()) {
        const { tokens } = await generate(model, prompt, options)
        expect(tokens).toEqual(together[i].tokens)
      }
      const others = await generate(model, [1, 2, 3], { ...options, cacheFormat: 'f32' })
      expect(others.tokens.slice(0, 1)).toEqual(together[0].tokens.slice(0, 1))
    }
    expect(model.device.memory.buffers).toBe(before)
    model.dispose()
  })

  test('sees as far as a window, and keeps its rows when some are left out', () => {
    const device = openWasm()
    const model = Gpt.create({ ...sizes, window: 20, positions: 'rotary' }, { device, seed: 4 })
    const tokens = Array.from({ length: 70 }, (_, i) => (i * 11) % 50)
    for (const format of ['f16', 'int8'] as const) {
      expect(distance(stepByStep(model, tokens, format), stepByStep(model, tokens, 'f32'))).toBeLessThan(
        bounds[format],
      )
      using cache = new KeyValueCache(model.config, device, 2, format)
      const read = (rows: readonly number[][]): number[] =>
        scope(() => {
          const input = device.tensor(rows.flat(), { shape: [rows.length, rows[0].length], dtype: 'i32' })
          return [...model.forward(input, undefined, { cache, lastOnly: true }).readSync()]
        })
      read([
        [1, 2, 3],
        [4, 5, 6],
      ])
      cache.select([1])
      using alone = new KeyValueCache(model.config, device, 1, format)
      scope(() =>
        model.forward(device.tensor([4, 5, 6], { shape: [1, 3], dtype: 'i32' }), undefined, { cache: alone }),
      )
      const expected = scope(() => {
        const input = device.tensor([7], { shape: [1, 1], dtype: 'i32' })
        return [...model.forward(input, undefined, { cache: alone, lastOnly: true }).readSync()]
      })
      expect(read([[7]])).toEqual(expected)
    }
    model.dispose()
  })
})
