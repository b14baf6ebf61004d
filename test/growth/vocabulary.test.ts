import { BytePairTokenizer, configFromState, Gpt, KeyValueCache, MergeLearner } from '@burgeon/gpt'
import { grow, type GrowthRecord, type GrowthRequest, planGrowth, ungrow } from '@burgeon/gpt/growth'
import { adamw } from '@burgeon/autograd/optim'
import { crossEntropy, type Device, OptionError, scope, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import {
  drawConfig,
  drawFrom,
  drawRequest,
  everyByte,
  learn,
  logitsOf,
  modelOf,
  numbersOf,
  tokensFor,
} from './tiny-model.ts'

const devices: readonly (readonly [string, Device, number])[] = [
  ['the reference', openReference(), 1e-12],
  ['wasm', openWasm(), 1e-5],
]
const seeds = Array.from({ length: 12 }, (_, i) => i + 1)
const reference = devices[0][1]
const growing = (probe: Tensor) => ({ mirrors: [], probe, key: [1, 2] }) as const

describe.each(devices)('a growing vocabulary on %s', (_, device, tolerance) => {
  test('leaves every old logit and can be taken back to the byte, among growths of every other kind', async () => {
    for (const seed of seeds) {
      const random = drawFrom(seed)
      const model = modelOf(drawConfig(random), random, device)
      using probe = tokensFor(model, random)
      const optimizer = adamw({ learningRate: 0.01 })
      learn(model, optimizer, probe, 0)
      const [stages, records]: [unknown[], GrowthRecord[]] = [[], []]
      for (let i = 0; i < 6; i++) {
        const { vocabulary } = model.config
        const request: GrowthRequest =
          i % 2 === 0
            ? {
                kind: 'growVocabulary',
                tokens: [{ parts: [0, 1] }, { parts: [vocabulary, 2], share: 0.5, takes: [0.3, 0.1] }],
              }
            : drawRequest(model.config, random)
        stages.push(everyByte(model, optimizer.mirrors))
        const record = await grow(model, request, { ...growing(probe), mirrors: optimizer.mirrors })
        records.push(record)
        expect(record.logitsMoved).toBeLessThanOrEqual(tolerance)
      }
      for (const [i, record] of [...records.entries()].reverse()) {
        ungrow(model, record, optimizer.mirrors)
        expect(everyByte(model, optimizer.mirrors)).toEqual(stages[i])
      }
      model.dispose()
    }
  })
})

test('logits with biases have the same losses piece by piece as at once', async () => {
  const device = openWasm()
  const sizes = { vocabulary: 2 ** 15, context: 1040, embed: 4, heads: 2, layers: 1 }
  const large = Gpt.create(sizes, { device, seed: 3 })
  using probe = device.tensor([1, 2, 3], { shape: [1, 3], dtype: 'i32' })
  await grow(large, { kind: 'growVocabulary', tokens: [{ parts: [7], share: 1 }] }, growing(probe))
  const [whole, pieces] = scope(() => {
    const tokens = device.tensor(new Int32Array(1040).fill(7), { shape: [1, 1040], dtype: 'i32' })
    const targets = device.tensor(new Int32Array(1040).fill(2 ** 15), { shape: [1040], dtype: 'i32' })
    return [crossEntropy(large.forward(tokens), targets), large.losses(tokens, targets)].map((losses) => [
      ...losses.readSync(),
    ])
  })
  expect(pieces.every((loss, i) => Math.abs(loss - whole[i]) < 1e-5)).toBe(true)
  large.dispose()
})

describe('new tokens', () => {
  const sizes = { vocabulary: 8, context: 6, embed: 6, heads: 2, layers: 1 }
  const model = (): Gpt =>
    modelOf({ ...Gpt.create(sizes, { device: reference }).config }, drawFrom(2), reference)

  test('begin as the mean of their parts, also of parts that are new, ln(share) below the first of them', async () => {
    const small = model()
    using probe = tokensFor(small, drawFrom(1))
    const tokens = [{ parts: [1, 3], share: 0.25 }, { parts: [8, 5] }]
    await grow(small, { kind: 'growVocabulary', tokens }, growing(probe))
    const { 'embed.token.weight': table, 'head.bias': bias } = numbersOf(small.parameters.tensors())
    const row = (i: number): readonly number[] => table.slice(6 * i, 6 * i + 6)
    row(8).forEach((x, c) => expect(x).toBeCloseTo((row(1)[c] + row(3)[c]) / 2, 12))
    row(9).forEach((x, c) => expect(x).toBeCloseTo((row(1)[c] + row(3)[c] + row(5)[c]) / 3, 12))
    expect(bias).toEqual(new Array(10).fill(0))
    const offsets = small.config.logitOffsets ?? []
    expect(offsets.slice(0, 8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(offsets[8]).toBeCloseTo(Math.log(0.25), 12)
    expect(offsets[9]).toBeCloseTo(Math.log(0.25) + Math.log(0.01), 12)
  })
  test('have the learnt bias of their first part', async () => {
    const small = model()
    using probe = tokensFor(small, drawFrom(1))
    await grow(small, { kind: 'growVocabulary', tokens: [{ parts: [1, 3] }] }, growing(probe))
    learn(small, adamw({ learningRate: 0.5 }), probe, 0)
    await grow(
      small,
      { kind: 'growVocabulary', tokens: [{ parts: [8, 2] }, { parts: [2, 8] }] },
      growing(probe),
    )
    const { 'head.bias': bias } = numbersOf(small.parameters.tensors())
    expect(bias[1]).not.toBe(0)
    expect(bias.slice(9)).toEqual([bias[8], bias[2]])
  })
  test('that take as much from a part as they get, where it stood, leave every other token its probability', async () => {
    const small = model()
    using probe = tokensFor(small, drawFrom(1))
    const probabilities = (): number[][] => {
      const [logits, { vocabulary }] = [logitsOf(small, probe), small.config]
      return Array.from({ length: logits.length / vocabulary }, (_, row) => {
        const weights = logits.slice(row * vocabulary, (row + 1) * vocabulary).map(Math.exp)
        const total = weights.reduce((a, b) => a + b)
        return weights.map((weight) => weight / total)
      })
    }
    const before = probabilities()
    const tokens = [{ parts: [3], share: 0.4, takes: [0.4] }]
    const { logitsMoved } = await grow(small, { kind: 'growVocabulary', tokens }, growing(probe))
    expect(logitsMoved).toBeLessThan(1e-12)
    probabilities().forEach((row, i) => {
      const expected = before[i].map((p, token) => (token === 3 ? 0.6 * p : p))
      row.forEach((p, token) => expect(p).toBeCloseTo([...expected, 0.4 * before[i][3]][token], 12))
    })
  })
  test('of a saved model keep what was set for them', async () => {
    const small = model()
    using probe = tokensFor(small, drawFrom(1))
    const tokens = [{ parts: [1, 3], share: 0.25, takes: [0.5, 0.125] }]
    await grow(small, { kind: 'growVocabulary', tokens }, growing(probe))
    const { weights, config: saved } = await small.toState()
    const woken = Gpt.fromState({ weights, config: JSON.parse(JSON.stringify(saved)) }, reference)
    expect(logitsOf(woken, probe)).toEqual(logitsOf(small, probe))
    const { config } = small
    for (const logitOffsets of [[0], [...(config.logitOffsets ?? []).slice(1), Number.NaN]]) {
      expect(() => configFromState({ ...config, logitOffsets })).toThrow('expected 9 finite numbers')
    }
  })
  test('take as little probability as asked for, and the record says how much', async () => {
    const shares = [0.5, 1e-3, 1e-6]
    const taken: number[] = []
    for (const share of shares) {
      const small = model()
      using probe = tokensFor(small, drawFrom(1))
      const before = logitsOf(small, probe)
      const record = await grow(
        small,
        { kind: 'growVocabulary', tokens: [{ parts: [1, 3], share }] },
        growing(probe),
      )
      const after = logitsOf(small, probe)
      const largest = Array.from({ length: before.length / 8 }, (_, row) => {
        const weights = Array.from(after.slice(9 * row, 9 * row + 9), Math.exp)
        return weights[8] / weights.reduce((a, b) => a + b)
      }).reduce((a, b) => Math.max(a, b))
      expect(record.freshShare).toBeCloseTo(largest, 10)
      taken.push(record.freshShare ?? Number.NaN)
    }
    expect(taken[1]).toBeLessThan(0.01)
    expect(taken[2]).toBeLessThan(1e-4)
    expect(taken[0]).toBeGreaterThan(taken[1])
  })
  test('learn at once, and are generated with a cache as without', async () => {
    const small = model()
    using probe = tokensFor(small, drawFrom(1))
    await grow(small, { kind: 'growVocabulary', tokens: [{ parts: [1, 3], share: 0.5 }] }, growing(probe))
    using text = reference.tensor([1, 3, 8, 2], { shape: [1, 4], dtype: 'i32' })
    const gradients = learn(small, adamw({ learningRate: 0.01 }), text, 0)
    expect(gradients['embed.token.weight'].slice(6 * 8).every((gradient) => gradient !== 0)).toBe(true)
    expect(gradients['head.bias'].every((gradient) => gradient !== 0)).toBe(true)
    using cache = new KeyValueCache(small.config, reference)
    const whole = logitsOf(small, text)
    const pieces = scope(() =>
      [0, 1, 2, 3].flatMap((t) => {
        const one = reference.tensor([[1, 3, 8, 2][t]], { shape: [1, 1], dtype: 'i32' })
        return [...small.forward(one, undefined, { cache }).readSync()]
      }),
    )
    whole.forEach((x, i) => expect(pieces[i]).toBeCloseTo(x, 10))
  })
  test('of a tokenizer that has learnt merges fit the model that grows by them', async () => {
    const [tokenizer, learner] = [new BytePairTokenizer(), new MergeLearner()]
    learner.observe('the cat sat on the mat, the hat on the cat. ')
    const merges = learner.propose(tokenizer, 6).map(({ merge }) => merge)
    const bytes = Gpt.create({ context: 64, embed: 8, heads: 2, layers: 1 }, { device: reference })
    using probe = tokensFor(bytes, drawFrom(1))
    const tokens = merges.map((merge) => ({ parts: merge }))
    const { freshShare } = await grow(bytes, { kind: 'growVocabulary', tokens }, growing(probe))
    tokenizer.add(merges)
    expect(bytes.config.vocabulary).toBe(tokenizer.vocabulary)
    expect(freshShare).toBeLessThan(0.01)
    const text = tokenizer.encode('the cat')
    using ids = reference.tensor(text, { shape: [1, text.length], dtype: 'i32' })
    expect(logitsOf(bytes, ids).length).toBe(text.length * tokenizer.vocabulary)
  })
  test.each<[string, readonly { parts: readonly number[]; share?: number; takes?: readonly number[] }[]]>([
    ['got no tokens', []],
    ['got parts  and share', [{ parts: [] }]],
    ['got parts 8 and share', [{ parts: [8] }]],
    ['got parts 1.5 and share', [{ parts: [1.5] }]],
    ['got parts 9 and share 0.01 for token 8', [{ parts: [9] }, { parts: [1] }]],
    ['share -0.1 for', [{ parts: [1], share: -0.1 }]],
    ['share 2 for', [{ parts: [1], share: 2 }]],
    ['got takes 0.1 for token 8 of 2 parts', [{ parts: [1, 2], takes: [0.1] }]],
    ['got takes 1 for', [{ parts: [1], takes: [1] }]],
    ['got takes -0.1 for', [{ parts: [1], takes: [-0.1] }]],
  ])('are refused: %s', (message, tokens) => {
    const plan = (): unknown => planGrowth(model().config, { kind: 'growVocabulary', tokens }, [1, 2])
    expect(plan).toThrow(OptionError)
    expect(plan).toThrow(message)
  })
})
