/** What growth costs is known before it is paid, and is what the op table counts and devices hold afterwards. */
import { valueAndGrad } from '@burgeon/autograd'
import { adamw } from '@burgeon/autograd/optim'
import { flopsPerToken, Gpt, type GptConfig, gptConfig } from '@burgeon/gpt'
import { grow, type GrowthRequest, priceOf, stateBytesOf } from '@burgeon/gpt/growth'
import { mean, OptionError, profile, scope, type TensorsByPath } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, drawRequest, learn, modelOf, tokensFor } from './tiny-model.ts'

const device = openReference()

interface Counted {
  readonly products: number
  readonly all: number
}

const isProduct = (op: string): boolean => /^(matmul|linear|attention|attentionGrad)$/.test(op)

function counted(body: () => void): Counted {
  const rows = profile(() => scope(body)).profile.rows()
  const sum = (of: typeof rows): number => of.reduce((total, { flops }) => total + flops, 0)
  return { products: sum(rows.filter(({ name }) => isProduct(name))), all: sum(rows) }
}

/** Per token, by the op table. */
function operationsOf(model: Gpt, rows: number, length: number): { forward: Counted; training: Counted } {
  const random = drawFrom(3)
  const ids = Int32Array.from({ length: rows * length }, () => random.below(model.config.vocabulary))
  using tokens = model.device.tensor(ids, { shape: [rows, length], dtype: 'i32' })
  using targets = model.device.tensor(ids, { shape: [rows * length], dtype: 'i32' })
  const loss = (w: TensorsByPath) => mean(model.losses(tokens, targets, w))
  const perToken = ({ products, all }: Counted): Counted => ({
    products: products / (rows * length),
    all: all / (rows * length),
  })
  return {
    forward: perToken(counted(() => void model.forward(tokens))),
    training: perToken(counted(() => void valueAndGrad(loss)(model.parameters.tensors()))),
  }
}

describe('operations per token', () => {
  test('are to the last one those that the op table counts in products and attention, before and after growth', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = drawFrom(seed)
      const model = modelOf(drawConfig(random), random, device)
      for (let i = 0; i < 3; i++) {
        const length = 1 + random.below(model.config.context)
        const { forward, training } = operationsOf(model, 2, length)
        expect(flopsPerToken(model.config, length)).toEqual({
          forward: forward.products,
          training: training.products,
        })
        using probe = tokensFor(model, random)
        await grow(model, drawRequest(model.config, random), { mirrors: [], probe, key: [seed, i] })
      }
      model.dispose()
    }
  })
  test.each([
    [{ embed: 64, heads: 4 }, 0.1],
    [{ embed: 64, heads: 4, activation: 'swiglu', positions: 'rotary', norm: 'layer' }, 0.1],
    [{ embed: 192, heads: 6 }, 0.05],
  ] as const)('of %j leave out less than a share of %d', (sizes, share) => {
    const model = Gpt.create({ context: 64, layers: 2, ...sizes }, { device: openWasm(), seed: 1 })
    const { forward, training } = operationsOf(model, 1, 64)
    const price = flopsPerToken(model.config)
    expect(price.forward / forward.all).toBeGreaterThan(1 - share)
    expect(price.training / training.all).toBeGreaterThan(1 - share)
    expect(price.training).toBeLessThan(training.all)
    model.dispose()
  })
  test.each([0, 9, 1.5, Number.NaN])('of sequences of length %d are not known', (length) => {
    const config = gptConfig({ context: 8, embed: 8, heads: 2, layers: 1 })
    expect(() => flopsPerToken(config, length)).toThrow(OptionError)
  })
})

describe('the price of a request', () => {
  test('is what the grown model costs, in parameters, operations and bytes of weights and of moments', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = drawFrom(seed)
      const model = modelOf(drawConfig(random), random, device)
      const optimizer = adamw({ learningRate: 0.01 })
      using tokens = tokensFor(model, random)
      learn(model, optimizer, tokens, 0)
      const request = drawRequest(model.config, random)
      const price = priceOf(model.config, request, stateBytesOf(optimizer.mirrors))
      const costNow = (): unknown => ({
        parameters: model.parameters.size,
        flopsPerToken: flopsPerToken(model.config),
        weightBytes: [...model.parameters].reduce((total, { tensor }) => total + tensor.storage.bytes, 0),
        stateBytes: stateBytesOf(optimizer.mirrors),
      })
      expect(price.before).toEqual(costNow())
      const { mirrors } = optimizer
      const record = await grow(model, request, { mirrors, probe: tokens, key: [seed, 1] })
      learn(model, optimizer, tokens, 1) // the moments of new parameters begin with their first gradients
      expect(price.after).toEqual(costNow())
      expect(record.price).toEqual(price)
      expect(record.milliseconds).toBeUndefined()
      model.dispose()
    }
  })
  test('of the impossible is an error, and asking changes nothing', () => {
    const config = gptConfig({ context: 8, embed: 8, heads: 2, layers: 1 })
    const before = JSON.stringify(config)
    expect(() => priceOf(config, { kind: 'addLayer', at: 5 })).toThrow(OptionError)
    priceOf(config, { kind: 'widenEmbed', to: 12 })
    expect(JSON.stringify(config)).toBe(before)
  })
  test('rises most with what is used for every token', () => {
    const config: GptConfig = gptConfig({ context: 8, embed: 8, heads: 2, layers: 2 })
    const workOf = (request: GrowthRequest): number => priceOf(config, request).after.flopsPerToken.training
    const now = flopsPerToken(config).training
    expect(workOf({ kind: 'addLayer', at: 0 })).toBeGreaterThan(
      workOf({ kind: 'widenMlp', block: 'b0', to: 40 }),
    )
    expect(workOf({ kind: 'widenMlp', block: 'b0', to: 40 })).toBe(now + 3 * 2 * 2 * 8 * 8)
  })
})

test('the record of a growth says how long it took by the clock that was given', async () => {
  const model = Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1 }, { device })
  using probe = tokensFor(model, drawFrom(1))
  let time = 100
  const now = (): number => (time += 7)
  const record = await grow(model, { kind: 'widenEmbed', to: 12 }, { mirrors: [], probe, key: [1, 2], now })
  expect(record.milliseconds).toBe(7)
})
