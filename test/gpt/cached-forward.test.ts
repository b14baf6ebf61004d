/** Reading with caches: the last position alone, rows that have read more or less, room that grows. */
import { type ForwardOptions, type Gpt, gptConfig, KeyValueCache } from '@burgeon/gpt'
import { type Device, OptionError, scope, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, modelOf, tokensFor } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'

const tensorOf = (device: Device, rows: readonly (readonly number[])[]): Tensor =>
  device.tensor(rows.flat(), { shape: [rows.length, rows[0].length], dtype: 'i32' })

const logitsOf = (model: Gpt, tokens: Tensor, options: ForwardOptions = {}): number[] =>
  scope(() => [...model.forward(tokens, undefined, options).readSync()])

const drawModel = (seed: number, device: Device): Gpt =>
  modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)

/** Wide enough for the vector loops of the kernels. */
const wider = gptConfig({ vocabulary: 301, context: 40, embed: 96, heads: 4, layers: 2, positions: 'rotary' })

describe.each([openReference(), openWasm()].map((device) => [device.name, device] as const))(
  'reading on %s',
  (_, device) => {
    test('the last position alone has the bits it has among all positions', () => {
      const models = Array.from({ length: times(6, 20) }, (_one, seed) => drawModel(seed, device))
      for (const model of [...models, modelOf(wider, drawFrom(1), device)]) {
        const { vocabulary } = model.config
        for (const rows of [1, 3]) {
          using tokens = tokensFor(model, drawFrom(rows), rows)
          const T = tokens.shape[1]
          const all = logitsOf(model, tokens)
          const expected = Array.from({ length: rows }, (_row, r) => {
            const last = (r * T + T - 1) * vocabulary
            return all.slice(last, last + vocabulary)
          }).flat()
          expect(logitsOf(model, tokens, { lastOnly: true })).toEqual(expected)
        }
        model.dispose()
      }
    })
    test('rows that have read more or less go on together as each goes on alone', () => {
      for (let seed = 1; seed <= times(8, 30); seed++) {
        const model = seed === 1 ? modelOf(wider, drawFrom(1), device) : drawModel(seed, device)
        const random = drawFrom(seed)
        const { vocabulary, context } = model.config
        const read = [1, 2, 2].map((batch) => {
          const cache = new KeyValueCache(model.config, device, batch)
          const length = random.below(context - 1)
          const row = (n: number): number[] => Array.from({ length: n }, () => random.below(vocabulary))
          const before = Array.from({ length: batch }, () => row(length))
          if (length > 0) logitsOf(model, tensorOf(device, before), { cache })
          return { cache, before, next: Array.from({ length: batch }, () => row(1)) }
        })
        const together = logitsOf(
          model,
          tensorOf(
            device,
            read.flatMap(({ next }) => next),
          ),
          {
            cache: read.map(({ cache }) => cache),
          },
        )
        const alone = read.flatMap(({ before, next }) =>
          before.flatMap((tokens, i) => {
            using cache = new KeyValueCache(model.config, device)
            if (tokens.length > 0) logitsOf(model, tensorOf(device, [tokens]), { cache })
            return logitsOf(model, tensorOf(device, [next[i]]), { cache })
          }),
        )
        const scale = Math.max(...alone.map(Math.abs))
        alone.forEach((logit, i) => expect(Math.abs(together[i] - logit)).toBeLessThan(2e-5 * scale))
        for (const { cache, before } of read) {
          expect(cache.length).toBe(before[0].length + 1)
          cache[Symbol.dispose]()
        }
        model.dispose()
      }
    })
    test('room is made in steps and what is held stays', () => {
      const config = gptConfig({ vocabulary: 7, context: 300, embed: 8, heads: 2, layers: 1 })
      const model = modelOf(config, drawFrom(1), device)
      using tokens = tokensFor(model, drawFrom(2), 1)
      const all = [...tokens.readSync()]
      const { buffers } = device.memory
      const cache = new KeyValueCache(model.config, device)
      const rooms = new Set<number>()
      const logits = all.map((token) => {
        const after = logitsOf(model, tensorOf(device, [[token]]), { cache })
        rooms.add(cache.of('b0').keys.shape[1])
        return after
      })
      expect([...rooms]).toEqual([64, 128, 192, 300])
      const whole = logitsOf(model, tokens)
      logits.flat().forEach((logit, i) => expect(Math.abs(logit - whole[i])).toBeLessThan(1e-4))
      expect(device.memory.buffers).toBeGreaterThan(buffers)
      expect(() => cache.reserve(301)).toThrow(OptionError)
      cache[Symbol.dispose]()
    })
  },
)

test('refuses caches that hold other rows than there are, and caches for losses', () => {
  const device = openReference()
  const model = drawModel(1, device)
  using tokens = tokensFor(model, drawFrom(2), 2)
  const cache = [1, 2].map((batch) => new KeyValueCache(model.config, device, batch))
  expect(() => logitsOf(model, tokens, { cache })).toThrow(
    'forward: got 2 sequences and caches of 1 + 2; expected as many as the caches hold.',
  )
  const options = { lastOnly: true } as object
  expect(() => scope(() => model.losses(tokens, tokens, undefined, options))).toThrow(
    'losses: got an option lastOnly',
  )
})
