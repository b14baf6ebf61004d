/** What pretrained models have beside sizes: ε of norms, biases of some maps, an untied head, q/k norm, windows, exact GELU. */
import { type Gpt, type GptConfig, gptConfig, KeyValueCache, parameterSpecs } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { type Device, OptionError, scope, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import {
  drawFrom,
  logitsOf,
  lossAndGradients,
  modelOf,
  numbersOf,
  relativeDifference,
  tokensFor,
} from '../growth/tiny-model.ts'

const sizes = { vocabulary: 7, context: 9, embed: 6, heads: 2, layers: 1 }
const rotary = { ...sizes, headDim: 4, positions: 'rotary' } as const

test('a configuration without choices has the entries that it always had', () => {
  expect(Object.keys(gptConfig(sizes))).toEqual([
    ...['vocabulary', 'context', 'embed', 'norm', 'positions', 'activation', 'blocks', 'nextBlock'],
  ])
})

test('maps without biases have none, a head of its own has a matrix, and each head two norms', () => {
  const config = gptConfig({ ...rotary, biases: ['qkv'], untiedHead: true, queryKeyNorm: true })
  const paths = parameterSpecs(config).map(({ path }) => path)
  expect(paths.filter((path) => path.endsWith('.bias'))).toEqual([
    ...['query', 'key', 'value'].map((name) => `blocks.b0.attention.${name}.bias`),
  ])
  expect(paths).toContain('head.weight')
  expect(paths.filter((path) => /attention\..*\.norm\.gain$/.test(path))).toEqual([
    ...['query', 'key'].map((name) => `blocks.b0.attention.${name}.norm.gain`),
  ])
})

test('sizes refuse a choice that there is not', () => {
  for (const wrong of [{ biases: ['all'] }, { window: 0 }, { epsilon: 0 }, { activation: 'tanh' }]) {
    expect(() => gptConfig({ ...sizes, ...wrong } as never)).toThrow(OptionError)
  }
})

/** Gradients of the gain of keys. */
const gainGradients = (model: Gpt, tokens: Tensor): readonly number[] =>
  scope(() => numbersOf(lossAndGradients(model, tokens).gradient))['blocks.b0.attention.key.norm.gain']

const devices: readonly (readonly [string, Device, number])[] = [
  ['the reference', openReference(), 1e-12],
  ['wasm', openWasm(), 1e-5],
]

describe.each(devices)('on %s', (_, device, tolerance) => {
  const modelWith = (config: GptConfig): Gpt => modelOf(config, drawFrom(3), device)
  const lastLogits = (model: Gpt, row: readonly number[]): number[] =>
    logitsOf(model, device.tensor(row, { shape: [1, row.length], dtype: 'i32' })).slice(-sizes.vocabulary)

  test.each([1, 3])('a window of %i keys hides what lies before it, and nothing else', (window) => {
    const model = modelWith(gptConfig({ ...rotary, window }))
    const row = [1, 2, 3, 4, 5, 6, 0]
    const last = lastLogits(model, row)
    row.forEach((token, i) => {
      const isSeen = i >= row.length - window
      const changed = lastLogits(model, row.with(i, (token + 1) % 7))
      expect(relativeDifference(last, changed) > 1e-4).toBe(isSeen)
    })
    model.dispose()
  })

  test('a window is the same with a cache, however the sequence is cut', () => {
    const model = modelWith(gptConfig({ ...rotary, layers: 2, window: 3 }))
    const tokens = tokensFor(model, drawFrom(4), 1)
    const row = [...tokens.readSync()]
    const whole = logitsOf(model, tokens)
    for (const cuts of [[9], [1, 1, 1, 1, 1, 1, 1, 1, 1], [2, 5, 2], [4, 1, 4]]) {
      using cache = new KeyValueCache(model.config, device)
      let at = 0
      const pieces = cuts.flatMap((length) =>
        scope(() => {
          const piece = device.tensor(row.slice(at, (at += length)), { shape: [1, length], dtype: 'i32' })
          return [...model.forward(piece, undefined, { cache }).readSync()]
        }),
      )
      expect(relativeDifference(whole, pieces)).toBeLessThan(tolerance)
    }
    model.dispose()
  })

  test('the ε of norms and the form of GELU are those of the configuration', () => {
    const plain = gptConfig(sizes)
    const tokens = device.tensor([1, 2, 3], { shape: [1, 3], dtype: 'i32' })
    const [before, ...others] = [
      plain,
      { ...plain, epsilon: 1e-5 },
      { ...plain, epsilon: 0.1 },
      { ...plain, activation: 'geluErf' as const },
    ].map((config) => logitsOf(modelWith(config), tokens))
    const moved = others.map((logits) => relativeDifference(before, logits))
    expect(moved[0]).toBe(0)
    expect(moved[1]).toBeGreaterThan(1e-3)
    expect(moved[2]).toBeGreaterThan(1e-7)
    expect(moved[2]).toBeLessThan(1e-2)
  })

  test.each([
    ['rotary positions', { ...rotary, queryKeyNorm: true }],
    ['learned positions', { ...sizes, headDim: 4, queryKeyNorm: true }],
  ])(
    'heads that normalize queries and keys become wider by splitting channels, with %s',
    async (_, choices) => {
      const model = modelWith(gptConfig(choices))
      const [{ headDim: from }] = model.config.blocks
      const tokens = tokensFor(model, drawFrom(5))
      const [before, old] = [logitsOf(model, tokens), gainGradients(model, tokens)]
      const options = { mirrors: [], probe: tokens, key: [1, 2] as const }
      await expect(
        grow(model, { kind: 'widenHeads', block: 'b0', to: 2 * from + 2 }, options),
      ).rejects.toThrow(
        /grow widenHeads: got to = \d+ for block b0 of a model with queryKeyNorm; expected at most/,
      )
      await grow(model, { kind: 'widenHeads', block: 'b0', to: 2 * from }, options)
      expect(relativeDifference(before, logitsOf(model, tokens))).toBeLessThan(tolerance)
      expect(Math.max(...old.map(Math.abs))).toBeGreaterThan(1e-3)
      // Halves of a channel have 1/4 and 3/4 of the gradient of its gain.
      const now = gainGradients(model, tokens)
      const parts = 'positions' in choices ? 2 : 1
      old.forEach((gradient, i) => {
        const kept = i < from / parts ? i : i + from / parts
        expect(now[kept]).toBeCloseTo(gradient / 4, 5)
        expect(now[kept + from / parts]).toBeCloseTo((3 * gradient) / 4, 5)
      })
      model.dispose()
    },
  )

  test('new tokens get a row of an untied head, and old logits stay', async () => {
    const model = modelWith(gptConfig({ ...rotary, untiedHead: true }))
    const probe = tokensFor(model, drawFrom(6))
    const tokens = [{ parts: [1, 2] }, { parts: [3] }]
    await grow(model, { kind: 'growVocabulary', tokens }, { mirrors: [], probe, key: [1, 2] })
    const weights = model.parameters.tensors()
    expect(weights['head.weight'].shape).toEqual([9, 6])
    const head = [...weights['head.weight'].readSync()]
    expect(head.slice(8 * 6)).toEqual(head.slice(3 * 6, 4 * 6))
    model.dispose()
  })
})
