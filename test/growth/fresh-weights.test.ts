/** New weights are as large as those that are there: they see and do as much, and no number of old ones leaves its place. */
import { grow } from '@burgeon/gpt/growth'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { Gpt } from '@burgeon/gpt'
import { assign, multiply, scope } from '@burgeon/tensor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { drawConfig, drawFrom, logitsOf, modelOf, tokensFor } from './tiny-model.ts'

const deviation = (numbers: readonly number[]): number => {
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length
  return Math.sqrt(numbers.reduce((total, x) => total + (x - mean) ** 2, 0) / numbers.length)
}

test('columns of fresh units, and rows that read new channels, have the spread of old ones', async () => {
  const device = openReference()
  const sizes = { vocabulary: 7, context: 4, embed: 24, heads: 2, layers: 1, mlpHidden: 24 }
  const model = Gpt.create({ ...sizes, norm: 'rms' }, { device, seed: 1 })
  scope(() => {
    for (const { tensor } of model.parameters) assign(tensor, multiply(tensor, 7))
  })
  const up = 'blocks.b0.mlp.up.weight'
  const before = [...model.parameters.get(up).tensor.readSync()]
  const kinds = [
    { kind: 'widenMlp', block: 'b0', to: 60 },
    { kind: 'widenEmbed', to: 60 },
  ] as const
  for (const request of kinds) await grow(model, request, { mirrors: [], key: [1, 2] })
  const after = [...model.parameters.get(up).tensor.readSync()]
  const fresh = after.filter((_, i) => i >= 24 * 60 || i % 60 >= 24)
  expect(fresh).toHaveLength(60 * 60 - 24 * 24)
  expect(deviation(fresh) / deviation(before)).toBeGreaterThan(0.85)
  expect(deviation(fresh) / deviation(before)).toBeLessThan(1.15)
})

// The reference adds in order; WASM adds sixteen numbers side by side, so that sizes between give other sums.
test.each([
  ['the reference', openReference(), 1],
  ['wasm, in sixteens', openWasm(), 16],
] as const)(
  'a wider residual stream under RMSNorm leaves every bit of the logits, on %s',
  async (_, device, unit) => {
    const places = fc.integer({ min: 1, max: 4 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), places, places, async (seed, from, by) => {
        const config = { ...drawConfig(drawFrom(seed)), norm: 'rms' as const, embed: unit * (1 + from) }
        const model = modelOf(config, drawFrom(seed + 1), device)
        using tokens = tokensFor(model, drawFrom(seed + 2))
        const before = logitsOf(model, tokens)
        for (const to of [config.embed + unit * by, config.embed + unit * (by + 1)]) {
          const { logitsMoved } = await grow(
            model,
            { kind: 'widenEmbed', to },
            { mirrors: [], probe: tokens, key: [1, to] },
          )
          expect(logitsMoved).toBe(0)
          expect(logitsOf(model, tokens)).toEqual(before)
        }
        model.dispose()
      }),
      { numRuns: times(8, 60) },
    )
  },
)
