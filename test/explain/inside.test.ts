import {
  attentionFlow,
  attentionPatterns,
  directLogits,
  ExplanationError,
  integratedGradients,
  Learner,
  logitLens,
  pathAttributions,
  type Question,
} from '@burgeon/continual'
import { adamw } from '@burgeon/autograd/optim'
import { Gpt, LoraAdapter } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { add, keyFromSeed, multiply, OptionError, pow, sum, type Tensor, tanh } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, drawRequest, modelOf } from '../growth/tiny-model.ts'

const device = openWasm()
const seeds = Array.from({ length: 8 }, (_, i) => i + 1)

/** A model of any architecture with random numbers, and a question in its tokens. */
function drawn(seed: number): { model: Gpt; question: Question } {
  const model = modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)
  return { model, question: questionFor(model, seed) }
}

function questionFor({ config: { vocabulary, context } }: Gpt, seed: number): Question {
  const random = drawFrom(seed + 7)
  const some = (count: number): number[] => Array.from({ length: count }, () => random.below(vocabulary))
  return { prompt: some(context - 1), answer: some(2) }
}

const total = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0)

/** The score of an answer, by hand: logits of its tokens less the means. */
function scoreOf(model: Gpt, { prompt, answer }: Question): number {
  const [before, own] = [prompt as number[], answer as number[]]
  const read = [...before, ...own.slice(0, -1)]
  using tokens = device.tensor(read, { shape: [1, read.length], dtype: 'i32' })
  using logits = model.forward(tokens)
  const [numbers, V] = [logits.readSync(), model.config.vocabulary]
  return total(
    own.map((token, a) => {
      const row = Array.from({ length: V }, (_, v) => numbers[(before.length - 1 + a) * V + v])
      return row[token] - total(row) / V
    }),
  )
}

describe('attributions along a path', () => {
  test('of a linear function are the gradient times the difference', async () => {
    using w = device.tensor([1.5, -2, 0.25], { shape: [3], dtype: 'f32' })
    using from = device.tensor([1, 1, 1], { shape: [3], dtype: 'f32' })
    using to = device.tensor([3, 0, -4], { shape: [3], dtype: 'f32' })
    const linear = (x: Tensor): Tensor => sum(multiply(x, w), { axes: [1] })
    const { values, difference, gap, nodes } = await pathAttributions(linear, from, to)
    ;[3, 2, -1.25].forEach((value, i) => expect(Math.abs(values[i] - value)).toBeLessThan(1e-6))
    expect(Math.abs(difference - 3.75)).toBeLessThan(1e-6)
    expect(gap).toBeLessThan(1e-6)
    expect(nodes).toBe(32)
  })

  test('of a polynomial are exact with half as many nodes as its degree, by hand', async () => {
    using from = device.tensor([0, 0], { shape: [2], dtype: 'f32' })
    using to = device.tensor([1, 2], { shape: [2], dtype: 'f32' })
    // x³ + y⁵ needs no product: each has its own share, 1 and 32.
    using first = device.tensor([1, 0], { shape: [2], dtype: 'f32' })
    using second = device.tensor([0, 1], { shape: [2], dtype: 'f32' })
    const f = (x: Tensor): Tensor => {
      const cubes = pow(x, 3)
      const fifths = multiply(cubes, multiply(x, x))
      return sum(add(multiply(cubes, first), multiply(fifths, second)), { axes: [1] })
    }
    const { values } = await pathAttributions(f, from, to, { nodes: 3 })
    expect(Math.abs(values[0] - 1)).toBeLessThan(1e-5)
    expect(Math.abs(values[1] - 32)).toBeLessThan(1e-4)
  })

  test('cut the path where it is steep, and say so when that does not do', async () => {
    using from = device.tensor([0], { shape: [1], dtype: 'f32' })
    using to = device.tensor([1], { shape: [1], dtype: 'f32' })
    const steep = (x: Tensor): Tensor => sum(tanh(multiply(x, 400)), { axes: [1] })
    const cut = await pathAttributions(steep, from, to, { nodes: 8 })
    expect(cut.nodes).toBeGreaterThan(8)
    expect(Math.abs(cut.values[0] - 1)).toBeLessThan(0.01)
    await expect(pathAttributions(steep, from, to, { nodes: 8, maxGap: 1e-12 })).rejects.toThrow(
      ExplanationError,
    )
  })

  test('refuse a function that returns something else', async () => {
    using x = device.tensor([1, 2], { shape: [2], dtype: 'f32' })
    await expect(pathAttributions((y) => sum(y), x, x)).rejects.toThrow(OptionError)
  })
})

describe('integrated gradients', () => {
  test('sum to the difference of the scores, within the gap that they tell', async () => {
    for (const seed of seeds) {
      const { model, question } = drawn(seed)
      const { tokens, score, baselineScore, gap } = await integratedGradients(model, question)
      expect(Math.abs(score - scoreOf(model, question))).toBeLessThan(1e-4)
      const sumOf = total(tokens.map(({ attribution }) => attribution))
      expect(Math.abs(sumOf - (score - baselineScore))).toBeLessThan(gap + 1e-4)
      expect(gap).toBeLessThan(0.011 * total(tokens.map(({ attribution }) => Math.abs(attribution))))
      model.dispose()
    }
  })

  test('are 0 of tokens that are those of the baseline, and turn their sign with it', async () => {
    for (const seed of seeds.slice(0, 4)) {
      const { model, question } = drawn(seed)
      const { read } = { read: [...(question.prompt as number[]), (question.answer as number[])[0]] }
      const own = await integratedGradients(model, question, { baseline: read })
      expect(own.tokens.every(({ attribution }) => attribution === 0)).toBe(true)
      const other = read.map((token, i) => (i === 0 ? (token + 1) % model.config.vocabulary : token))
      const there = await integratedGradients(model, question, { baseline: other, maxGap: 1e-3 })
      expect(there.tokens.slice(1).every(({ attribution }) => attribution === 0)).toBe(true)
      const prompt = other.slice(0, -1)
      const back = await integratedGradients(model, { ...question, prompt }, { baseline: read, maxGap: 1e-3 })
      const [a, b] = [there.tokens[0].attribution, back.tokens[0].attribution]
      expect(Math.abs(a + b)).toBeLessThan(1e-3 * Math.abs(a) + 1e-5)
      model.dispose()
    }
  })

  test('explain one answer rather than another by the difference of their logits', async () => {
    const { model, question } = drawn(3)
    const [first] = question.answer as number[]
    const other = (first + 1) % model.config.vocabulary
    const [own, others] = [
      { ...question, answer: [first] },
      { ...question, answer: [other] },
    ]
    const { score } = await integratedGradients(model, { ...own, instead: [other] })
    const apart =
      (await integratedGradients(model, own)).score - (await integratedGradients(model, others)).score
    expect(Math.abs(score - apart)).toBeLessThan(1e-5)
    model.dispose()
  })

  test('of a learner read through its adapter', async () => {
    const model = Gpt.create({ context: 16, embed: 8, heads: 2, layers: 2 }, { device, seed: 1 })
    const adapter = LoraAdapter.create(model, { rank: 2 })
    const learner = new Learner({ model, optimizer: adamw({ learningRate: 0.02 }), adapter })
    const question = { prompt: 'abcabc', answer: 'a' }
    const before = await integratedGradients(learner, question)
    for (let i = 0; i < 30; i++) await learner.observe('abcabcabcabc')
    const after = await integratedGradients(learner, question)
    expect(after.score).toBeGreaterThan(before.score + 0.01)
    expect((await integratedGradients(model, question)).score).toBe(before.score)
    learner.dispose()
    adapter.dispose()
    model.dispose()
  })

  test('refuse what cannot be asked', async () => {
    const { model, question } = drawn(1)
    const refused = (wrong: Partial<Question>, options = {}) =>
      expect(integratedGradients(model, { ...question, ...wrong }, options)).rejects.toThrow(OptionError)
    await refused({ prompt: [] })
    await refused({ answer: [] })
    await refused({ instead: [1] })
    await refused({ answer: [model.config.vocabulary] })
    await refused({ answer: new Array<number>(model.config.context + 1).fill(0) })
    await refused({}, { baseline: [0] })
    model.dispose()
  })
})

describe('the logit lens', () => {
  test('says at the last block what the model says', async () => {
    for (const seed of seeds) {
      const { model, question } = drawn(seed)
      const layers = await logitLens(model, question, { likeliest: model.config.vocabulary })
      expect(layers.map(({ block }) => block)).toEqual(['embed', ...model.config.blocks.map(({ id }) => id)])
      const last = layers[layers.length - 1]
      const [prompt, answer] = [question.prompt as number[], question.answer as number[]]
      const read = [...prompt, answer[0]]
      using tokens = device.tensor(read, { shape: [1, read.length], dtype: 'i32' })
      using logits = model.forward(tokens)
      const V = model.config.vocabulary
      const row = [...logits.readSync()].slice((prompt.length - 1) * V, prompt.length * V)
      expect(last.likeliest[0].token).toBe(row.indexOf(Math.max(...row)))
      expect(last.ranks[0]).toBe(row.filter((value) => value > row[answer[0]]).length)
      expect(Math.abs(total(last.likeliest.map(({ probability }) => probability)) - 1)).toBeLessThan(1e-5)
      model.dispose()
    }
  })

  test('a layer that was just added as an identity says what the one below it says', async () => {
    for (const seed of seeds.slice(0, 4)) {
      const { model, question } = drawn(seed)
      const before = await logitLens(model, question)
      await grow(model, { kind: 'addLayer', at: 1 }, { mirrors: [], key: keyFromSeed(1) })
      const after = await logitLens(model, question)
      expect(after[2].likeliest.map(({ token }) => token)).toEqual(
        after[1].likeliest.map(({ token }) => token),
      )
      expect(after[2].ranks).toEqual(after[1].ranks)
      expect(after.filter((_, i) => i !== 2).map(({ ranks }) => ranks)).toEqual(
        before.map(({ ranks }) => ranks),
      )
      model.dispose()
    }
  })
})

describe('direct logits', () => {
  test('of all writers sum to the score', async () => {
    for (const seed of seeds) {
      const { model, question } = drawn(seed)
      const { writers, score, gap } = await directLogits(model, question)
      expect(Math.abs(score - scoreOf(model, question))).toBeLessThan(1e-4)
      const size = total(writers.map(({ logits }) => Math.abs(logits)))
      expect(Math.abs(total(writers.map(({ logits }) => logits)) - score)).toBeLessThanOrEqual(1e-5 * size)
      expect(gap).toBeLessThanOrEqual(1e-5 * size)
      const perBlock = model.config.blocks.map(({ heads }) => heads + 2)
      expect(writers.length).toBe(2 + total(perBlock))
      model.dispose()
    }
  })

  test('of a head that writes nothing are 0', async () => {
    const model = Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1 }, { device, seed: 4 })
    const state = await model.toState()
    const path = 'blocks.b0.attention.output.weight'
    const { shape, data } = state.weights[path]
    const silent = Float32Array.from(data).fill(0, 0, data.length / 2)
    const other = Gpt.fromState(
      { ...state, weights: { ...state.weights, [path]: { shape, data: silent } } },
      device,
    )
    const { writers } = await directLogits(other, { prompt: 'abc', answer: 'd' })
    const heads = writers.filter(({ part }) => part === 'head').map(({ logits }) => logits)
    expect(heads[0]).toBe(0)
    expect(heads[1]).not.toBe(0)
    model.dispose()
    other.dispose()
  })
})

describe('attention', () => {
  test('patterns are those that the block reads values by', async () => {
    for (const seed of seeds) {
      const { model, question } = drawn(seed)
      const read = question.prompt as number[]
      const patterns = await attentionPatterns(model, read)
      const T = read.length
      const seen = new Map<string, readonly [readonly number[], readonly number[]]>()
      using tokens = device.tensor(read, { shape: [1, T], dtype: 'i32' })
      model
        .forward(tokens, undefined, {
          observe: (block, what, x) => void seen.set(`${block} ${what}`, [x.shape, [...x.readSync()]]),
        })
        .dispose()
      for (const { block, head, weights } of patterns) {
        const [[, , H, D], outputs] = seen.get(`${block} headOutput`) as readonly [number[], number[]]
        const [[, , G], values] = seen.get(`${block} value`) as readonly [number[], number[]]
        const own = Math.floor(head / (H / G))
        for (let t = 0; t < T; t++) {
          expect(Math.abs(total(weights.subarray(t * T, (t + 1) * T)) - 1)).toBeLessThan(1e-5)
          expect(weights.subarray(t * T + t + 1, (t + 1) * T).every((weight) => weight === 0)).toBe(true)
          for (let d = 0; d < D; d++) {
            const sumOf = total(
              Array.from({ length: T }, (_, s) => weights[t * T + s] * values[(s * G + own) * D + d]),
            )
            expect(Math.abs(sumOf - outputs[(t * H + head) * D + d])).toBeLessThan(1e-4)
          }
        }
      }
      model.dispose()
    }
  })

  test('flow shares one out among the tokens that were read', async () => {
    for (const seed of seeds) {
      const { model, question } = drawn(seed)
      const { tokens, gap } = await attentionFlow(model, question)
      expect(tokens.every(({ share }) => share >= 0)).toBe(true)
      expect(Math.abs(total(tokens.map(({ share }) => share)) - 1)).toBeLessThan(1e-4)
      expect(gap).toBeLessThan(1e-4)
      model.dispose()
    }
  })

  test('flow through one block and one head is half of what it attends to, and half itself', async () => {
    const model = Gpt.create({ context: 8, embed: 8, heads: 1, layers: 1 }, { device, seed: 2 })
    const [{ weights }] = await attentionPatterns(model, 'abcd')
    const { tokens } = await attentionFlow(model, { prompt: 'abcd', answer: 'e' })
    tokens.forEach(({ share }, t) =>
      expect(Math.abs(share - weights[12 + t] / 2 - (t === 3 ? 0.5 : 0))).toBeLessThan(1e-6),
    )
    model.dispose()
  })
})

test('explanations are the same after an exact growth', async () => {
  for (let seed = 1; seed <= 24; seed++) {
    const { model, question } = drawn(seed)
    const before = [
      await integratedGradients(model, question, { maxGap: 1e-3 }),
      await directLogits(model, question),
    ] as const
    const last = (await logitLens(model, question)).at(-1)
    const request = drawRequest(model.config, drawFrom(seed))
    const { logitsMoved } = await grow(model, request, { mirrors: [], key: keyFromSeed(seed) })
    const after = [
      await integratedGradients(model, question, { maxGap: 1e-3 }),
      await directLogits(model, question),
    ] as const
    // Only growth that moves no logit can leave explanations as they are.
    expect(logitsMoved).toBeLessThan(1e-4)
    before[0].tokens.forEach(({ attribution }, t) =>
      expect(Math.abs(after[0].tokens[t].attribution - attribution), `${seed} ${request.kind}`).toBeLessThan(
        1e-4 * total(before[0].tokens.map((token) => Math.abs(token.attribution))),
      ),
    )
    expect(Math.abs(after[1].score - before[1].score)).toBeLessThan(1e-4)
    expect((await logitLens(model, question)).at(-1)?.ranks).toEqual(last?.ranks)
    model.dispose()
  }
})
