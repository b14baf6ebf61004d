import { byteTokenizer, Gpt, gptConfig, type GptState, KeyValueCache, parameterSpecs } from '@burgeon/gpt'
import {
  crossEntropy,
  type Device,
  IndexError,
  mean,
  OptionError,
  ParameterError,
  scope,
  ShapeError,
  sizeOf,
  type Tensor,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  drawConfig,
  drawFrom,
  logitsOf,
  lossAndGradients,
  modelOf,
  numbersOf,
  relativeDifference,
  tokensFor,
} from '../growth/tiny-model.ts'

const devices: readonly (readonly [string, Device, number])[] = [
  ['the reference', openReference(), 1e-12],
  ['wasm', openWasm(), 1e-5],
]
const seeds = Array.from({ length: 12 }, (_, i) => i + 1)
const drawModel = (seed: number, device: Device): Gpt =>
  modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)
const tensorOf = (device: Device, rows: readonly (readonly number[])[]): Tensor =>
  device.tensor(rows.flat(), { shape: [rows.length, rows[0].length], dtype: 'i32' })

test('a GPT has the same losses where logits are made piece by piece', () => {
  const device = openWasm()
  const sizes = { context: 1040, embed: 4, heads: 2, layers: 1 }
  const model = Gpt.create({ ...sizes, vocabulary: 2 ** 15 }, { device, seed: 3 })
  const [whole, pieces] = scope(() => {
    const ids = Int32Array.from({ length: 1040 }, (_, i) => (i * 7919) % 2 ** 15)
    const tokens = device.tensor(ids, { shape: [1, 1040], dtype: 'i32' })
    const targets = device.tensor(ids.toReversed(), { shape: [1040], dtype: 'i32' })
    return [crossEntropy(model.forward(tokens), targets), model.losses(tokens, targets)].map((losses) => [
      ...losses.readSync(),
    ])
  })
  expect(pieces.every((loss, i) => Math.abs(loss - whole[i]) < 1e-5)).toBe(true)
  model.dispose()
})

describe.each(devices)('a GPT on %s', (_, device, tolerance) => {
  test('returns a row of logits for every token of every sequence', () => {
    for (const seed of seeds) {
      const model = drawModel(seed, device)
      const { vocabulary, context } = model.config
      for (const [b, t] of [
        [1, 1],
        [3, context],
        [0, 2],
      ]) {
        scope(() => {
          const tokens = device.tensor(new Int32Array(b * t), { shape: [b, t], dtype: 'i32' })
          expect(model.forward(tokens).shape).toEqual([b * t, vocabulary])
        })
      }
    }
  })
  test('never looks ahead: a later token changes no earlier logit, not by a bit', () => {
    for (const seed of seeds) {
      const [model, random] = [drawModel(seed, device), drawFrom(seed)]
      const { vocabulary, context } = model.config
      const row = Array.from({ length: context }, () => random.below(vocabulary))
      const at = random.below(context)
      const changed = row.with(at, (row[at] + 1 + random.below(vocabulary - 1)) % vocabulary)
      const [before, after] = [row, changed].map((tokens) => logitsOf(model, tensorOf(device, [tokens])))
      const border = at * vocabulary
      expect(after.slice(0, border)).toEqual(before.slice(0, border))
      expect(
        relativeDifference(before.slice(border, border + vocabulary), after.slice(border)),
      ).toBeGreaterThan(1e-6)
    }
  })
  test('reads the sequences of a batch independently of each other', () => {
    for (const seed of seeds) {
      const model = drawModel(seed, device)
      const tokens = tokensFor(model, drawFrom(seed), 3)
      const [all, length] = [[...tokens.readSync()], model.config.context]
      const rows = [0, 1, 2].map((i) => all.slice(i * length, (i + 1) * length))
      const alone = rows.flatMap((row) => logitsOf(model, tensorOf(device, [row])))
      expect(relativeDifference(logitsOf(model, tokens), alone)).toBeLessThan(tolerance)
    }
  })
  test('returns the same with a cache, however the sequence is cut into pieces', () => {
    for (const seed of seeds) {
      const [model, random] = [drawModel(seed, device), drawFrom(seed)]
      const tokens = tokensFor(model, random, 2)
      const [length, all] = [model.config.context, [...tokens.readSync()]]
      const { vocabulary } = model.config
      const whole = logitsOf(model, tokens)
      using cache = new KeyValueCache(model.config, device, 2)
      for (let at = 0; at < length; ) {
        const next = at + 1 + random.below(length - at)
        const piece = [0, 1].map((row) => all.slice(row * length + at, row * length + next))
        const logits = scope(() => [
          ...model.forward(tensorOf(device, piece), undefined, { cache }).readSync(),
        ])
        expect(cache.length).toBe(next)
        for (const row of [0, 1]) {
          const from = (row * length + at) * vocabulary
          const expected = whole.slice(from, from + (next - at) * vocabulary)
          const answered = logits.slice(row * (next - at) * vocabulary, (row + 1) * (next - at) * vocabulary)
          expect(relativeDifference(expected, answered)).toBeLessThan(tolerance * 10)
        }
        at = next
      }
    }
  })
  test('refuses sequences beyond its context, with and without a cache, and tokens it does not know', () => {
    const model = drawModel(1, device)
    const { context, vocabulary } = model.config
    const zeros = (t: number): Tensor => device.tensor(new Int32Array(t), { shape: [1, t], dtype: 'i32' })
    expect(() => scope(() => model.forward(zeros(context + 1)))).toThrow(OptionError)
    expect(() => scope(() => model.forward(zeros(context + 1)))).toThrow(
      `forward: got ${context + 1} tokens; expected at most the context, ${context}.`,
    )
    using cache = new KeyValueCache(model.config, device)
    scope(() => void model.forward(zeros(context), undefined, { cache }))
    expect(() => scope(() => model.forward(zeros(1), undefined, { cache }))).toThrow(OptionError)
    expect(cache.length).toBe(context)
    expect(() => scope(() => model.forward(tensorOf(device, [[vocabulary]])))).toThrow(IndexError)
  })
  test('starts with a loss of about log V', async () => {
    const model = Gpt.create(
      { vocabulary: 50, context: 8, embed: 16, heads: 2, layers: 2 },
      { device, seed: 3 },
    )
    const loss = scope(() => {
      const targets = device.tensor(
        new Int32Array(16).map((_, i) => i),
        { shape: [16], dtype: 'i32' },
      )
      return mean(crossEntropy(model.forward(tokensFor(model, drawFrom(1))), targets)).item()
    })
    expect(Math.abs(loss - Math.log(50))).toBeLessThan(0.2)
  })
  test('is the same after it was plain data, to the byte, and uses as many buffers', async () => {
    for (const seed of seeds) {
      const model = drawModel(seed, device)
      const { buffers } = device.memory
      const copy = Gpt.fromState(structuredClone(await model.toState()), device)
      expect(device.memory.buffers - buffers).toBe([...model.parameters].length)
      expect(copy.config).toEqual(model.config)
      expect(numbersOf(copy.parameters.tensors())).toEqual(numbersOf(model.parameters.tensors()))
      expect([...copy.parameters].map(({ path, axes }) => [path, axes])).toEqual(
        [...model.parameters].map(({ path, axes }) => [path, axes]),
      )
      const tokens = tokensFor(model, drawFrom(seed))
      expect(logitsOf(copy, tokens)).toEqual(logitsOf(model, tokens))
      copy.dispose()
      expect(device.memory.buffers).toBe(buffers + 1)
      tokens.dispose()
      model.dispose()
    }
  })
  test('is refused as plain data that does not fit its configuration, and leaves no buffer behind', async () => {
    const state = await drawModel(2, device).toState()
    const { buffers } = device.memory
    const path = 'head.norm.gain'
    const { [path]: gain, ...others } = state.weights
    const bad: readonly [GptState, string][] = [
      [{ ...state, weights: others }, 'model state: head.norm.gain is missing; expected'],
      [
        { ...state, weights: { ...others, [path]: { ...gain, shape: [1] } } },
        'head.norm.gain is of shape [1]; expected',
      ],
      [
        { ...state, weights: { ...state.weights, more: gain } },
        'model state: more has no place in the configuration.',
      ],
    ]
    for (const [wrong, message] of bad) {
      expect(() => Gpt.fromState(wrong, device)).toThrow(ParameterError)
      expect(() => Gpt.fromState(wrong, device)).toThrow(message)
    }
    const cut = { ...state, weights: { ...others, [path]: { ...gain, data: gain.data.slice(1) } } }
    expect(() => Gpt.fromState(cut, device)).toThrow(ShapeError)
    expect(device.memory.buffers).toBe(buffers)
  })
})

describe('two devices', () => {
  const [[, reference], [, wasm]] = devices
  test('give a model of one seed the same weights, and of another seed others', () => {
    const sizes = { context: 4, embed: 4, heads: 2, layers: 1, mlpHidden: 3 }
    const weights = (device: Device, seed?: number): unknown =>
      numbersOf(Gpt.create(sizes, seed === undefined ? { device } : { device, seed }).parameters.tensors())
    expect(weights(wasm, 5)).toEqual(weights(reference, 5))
    expect(weights(reference)).toEqual(weights(reference, 0))
    expect(weights(reference, 5)).not.toEqual(weights(reference, 6))
  })
  test('agree on the loss and on every gradient', () => {
    for (const seed of seeds) {
      const [exact, single] = [reference, wasm].map((device) => {
        const model = drawModel(seed, device)
        return scope(() => {
          const { value, gradient } = lossAndGradients(model, tokensFor(model, drawFrom(seed)))
          return { value: value.item(), gradients: numbersOf(gradient) }
        })
      })
      expect(Math.abs(single.value - exact.value)).toBeLessThan(1e-5 * exact.value)
      const largest = Math.max(...Object.values(exact.gradients).flat().map(Math.abs))
      for (const [path, gradients] of Object.entries(exact.gradients)) {
        gradients.forEach((gradient, i) =>
          expect(Math.abs(single.gradients[path][i] - gradient)).toBeLessThan(1e-5 * largest),
        )
      }
    }
  })
})

describe('a saved configuration', () => {
  const sizes = { vocabulary: 7, context: 4, embed: 6, heads: 2, layers: 2 }
  const saved = Gpt.create(sizes, { device: openReference(), seed: 1 }).toState()
  const rotary = gptConfig({ ...sizes, headDim: 4, positions: 'rotary' })
  const withPart = (part: object): object => ({ blocks: [{ ...rotary.blocks[0], ...part }] })

  test('of an earlier version, with heads of one size and no choices, is read as it was meant', async () => {
    const { config, weights } = await saved
    const { vocabulary, context, embed, norm, nextBlock } = config
    const earlier = {
      ...{ vocabulary, context, embed, heads: 2, headDim: 3, norm, nextBlock },
      blocks: config.blocks.map(({ id, mlpHidden }) => ({ id, mlpHidden })),
    } as unknown as GptState['config']
    const [then, now] = [earlier, config].map((own) =>
      Gpt.fromState({ config: own, weights }, openReference()),
    )
    expect(then.config).toEqual(now.config)
    const tokens = tokensFor(now, drawFrom(1))
    expect(logitsOf(then, tokensFor(then, drawFrom(1)))).toEqual(logitsOf(now, tokens))
  })
  test.each<[string, object]>([
    ['got vocabulary 0', { vocabulary: 0 }],
    ['got embed 2.5', { embed: 2.5 }],
    ['got context undefined', { context: undefined }],
    ['got blocks 0', { blocks: [] }],
    ["got 'norm of no kind'; expected one of layer, rms", { norm: 'norm of no kind' }],
    ["got 'sinus'; expected one of learned, rotary", { positions: 'sinus' }],
    ["got 'tanh'; expected one of gelu, geluErf, swiglu", { activation: 'tanh' }],
    ['got heads / kvHeads of b0 1.5', { blocks: [{ ...rotary.blocks[0], heads: 3, kvHeads: 2 }] }],
    ['got mlpHidden of b0 undefined', { blocks: [{ ...rotary.blocks[0], mlpHidden: undefined }] }],
    ['got 1 frequencies for block b0; expected 2', { blocks: [{ ...rotary.blocks[0], frequencies: [1] }] }],
    ['got 2 frequencies for block b0; expected 0', { positions: 'learned' }],
    ['got adapter rank of b0 0; expected a positive integer', withPart({ adapter: { rank: 0, scale: 1 } })],
    ['got adapter rank of b0 undefined', withPart({ adapter: 3 })],
    ['got adapter scale 0 of b0; expected a finite', withPart({ adapter: { rank: 1, scale: 0 } })],
    ['got adapter scale null of b0', withPart({ adapter: { rank: 1, scale: null } })],
    ['got expert shares [1] of b0; expected two or more', withPart({ expertShares: [1] })],
    ['got expert shares [1, 0] of b0; expected two or more', withPart({ expertShares: [1, 0] })],
    ['got expert shares 2 of b0', withPart({ expertShares: 2 })],
    ['got scoreWidth of b0 -1; expected a finite number above 0', withPart({ scoreWidth: -1 })],
    ['got window of b0 0; expected a positive integer', withPart({ window: 0 })],
    ['got epsilon 0; expected a finite number above 0', { epsilon: 0 }],
    ["got biases ['all']; expected some of qkv, output, mlp, each once", { biases: ['all'] }],
    ["got biases ['mlp', 'mlp']", { biases: ['mlp', 'mlp'] }],
    ['got untiedHead 1; expected true, or nothing', { untiedHead: 1 }],
    ["got queryKeyNorm 'yes'", { queryKeyNorm: 'yes' }],
  ])('is refused when it is none: %s', (message, wrong) => {
    const config = { ...rotary, ...wrong } as GptState['config']
    const restore = (): Gpt => Gpt.fromState({ config, weights: {} }, openReference())
    expect(restore).toThrow(OptionError)
    expect(restore).toThrow(message)
  })
})

describe('the sizes of a GPT', () => {
  const sizes = { context: 4, embed: 6, heads: 2, layers: 1 }
  test('have the defaults of the literature', () => {
    expect(gptConfig(sizes)).toEqual({
      ...{ vocabulary: 256, context: 4, embed: 6, norm: 'rms', positions: 'learned', activation: 'gelu' },
      blocks: [{ id: 'b0', mlpHidden: 24, heads: 2, kvHeads: 2, headDim: 3 }],
      nextBlock: 1,
    })
    const modern = { heads: 3, kvHeads: 1, headDim: 4, positions: 'rotary', activation: 'swiglu' } as const
    expect(gptConfig({ ...sizes, ...modern }).blocks).toEqual([
      { id: 'b0', mlpHidden: 16, heads: 3, kvHeads: 1, headDim: 4, frequencies: [1, 0.01] },
    ])
  })
  test('give as many parameters as their shapes say, each with a path of its own and an axis per dimension', () => {
    for (const seed of seeds) {
      const config = drawConfig(drawFrom(seed))
      const specs = parameterSpecs(config)
      expect(new Set(specs.map(({ path }) => path)).size).toBe(specs.length)
      expect(specs.every(({ axes, shape }) => axes.length === shape.length)).toBe(true)
      const { vocabulary: V, context: T, embed: C, norm, positions, activation } = config
      const perNorm = norm === 'layer' ? 2 * C : C
      const perBlock = config.blocks.map((block) => {
        const { mlpHidden: M, heads: H, kvHeads: G, headDim: D, adapter, expertShares } = block
        const rank = adapter?.rank ?? 0
        const [ofInputs, ofOutput, ofMlp] = (['qkv', 'output', 'mlp'] as const).map((kind) =>
          (config.biases ?? [kind]).includes(kind) ? 1 : 0,
        )
        const normsOfHeads = config.queryKeyNorm ? 2 * D : 0
        const attention = (H + 2 * G) * (C * D + ofInputs * D) + (H * D * C + ofOutput * C) + normsOfHeads
        const mlp = (activation === 'swiglu' ? 2 : 1) * (C * M + ofMlp * M) + (M * C + ofMlp * C)
        // Of maps [in, out], A and B have rank · (in + out).
        const [beside, inMlp] = [
          2 * (C + H * D) + 2 * (C + G * D),
          (activation === 'swiglu' ? 3 : 2) * (C + M),
        ]
        const experts = expertShares?.length ?? 1
        const router = experts > 1 ? (C + 1) * experts : 0
        return 2 * perNorm + attention + rank * beside + experts * (mlp + rank * inMlp) + router
      })
      const embedded = (config.untiedHead ? 2 : 1) * V * C + (positions === 'learned' ? T * C : 0)
      const expected = embedded + perBlock.reduce((a, b) => a + b) + perNorm
      expect(specs.reduce((total, { shape }) => total + sizeOf(shape), 0)).toBe(expected)
    }
  })
  test.each([
    [
      { heads: 4 },
      'gptConfig: got headDim 1.5; expected a positive integer. Make heads divide embed, or give headDim.',
    ],
    [{ layers: 0 }, 'gptConfig: got layers 0; expected a positive integer.'],
    [{ context: -1 }, 'got context -1'],
    [{ vocabulary: 2.5 }, 'got vocabulary 2.5'],
    [{ mlpHidden: Number.NaN }, 'got mlpHidden NaN'],
    [{ heads: 3, kvHeads: 2 }, 'got kvHeads 2 for 3 heads; expected a divisor of heads.'],
    [{ heads: 3, kvHeads: 0 }, 'got kvHeads 0'],
    [{ positions: 'rotary' as const }, 'got headDim 3 with rotary positions; expected an even number.'],
  ])('are refused when they are %o', (wrong, message) => {
    expect(() => gptConfig({ ...sizes, ...wrong })).toThrow(OptionError)
    expect(() => gptConfig({ ...sizes, ...wrong })).toThrow(message)
  })
})

describe('byte tokens', () => {
  test('give every text back, also one that begins with a byte order mark', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(byteTokenizer.decode(byteTokenizer.encode(text))).toBe(text)
      }),
    )
    for (const text of ['', '\uFEFFx', 'naïve 🌱']) {
      expect(byteTokenizer.decode(byteTokenizer.encode(text))).toBe(text)
    }
  })
  test('are the bytes of UTF-8; what is not UTF-8 decodes to the replacement character', () => {
    expect([...byteTokenizer.encode('é!')]).toEqual([0xc3, 0xa9, 0x21])
    expect(byteTokenizer.decode([0x61, 0xff, 0x62])).toBe('a\uFFFDb')
    expect(byteTokenizer.vocabulary).toBe(256)
  })
})
