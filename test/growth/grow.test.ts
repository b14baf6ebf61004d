import { adamw, chain, clipByGlobalNorm, type GradientTransform, sgd } from '@burgeon/autograd/optim'
import { type Gpt, type GptConfig, gptConfig } from '@burgeon/gpt'
import {
  grow,
  type GrowthRecord,
  GrowthRefusedError,
  type GrowthRequest,
  planGrowth,
  ungrow,
} from '@burgeon/gpt/growth'
import {
  type Device,
  DisposedTensorError,
  type Mirror,
  OptionError,
  type RandomStream,
  scope,
  type Tensor,
  TensorMirror,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawnLife } from './drawn-life.ts'
import {
  drawConfig,
  drawFrom,
  drawRequest,
  everyByte,
  isTensorMirror,
  isWithoutGradient,
  learn,
  learnsNothing,
  logitsOf,
  lossAndGradients,
  modelOf,
  type Numbers,
  numbersOf,
  relativeDifference,
  tokensFor,
} from './tiny-model.ts'
import { times } from '../how-long.ts'

interface Life {
  readonly random: RandomStream
  readonly model: Gpt
  readonly tokens: Tensor
  readonly optimizer: GradientTransform
  readonly anchor: TensorMirror
  readonly mirrors: readonly Mirror[]
  grow(request: GrowthRequest): Promise<GrowthRecord>
}

/** A model that has learnt a little, so that all moments are there, with an anchor as EWC keeps one and a path integral. */
function lifeOf(seed: number, device: Device, config?: GptConfig): Life {
  const { random, model, tokens } = drawnLife(seed, device, config)
  const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate: 0.01 }))
  for (let step = 0; step < 2; step++) learn(model, optimizer, tokens, step)
  const [anchor, integral] = [
    new TensorMirror('anchor', 'value'),
    new TensorMirror('path integral', 'pathIntegral'),
  ]
  scope(() => {
    for (const mirror of [anchor, integral])
      for (const { path, tensor } of model.parameters)
        mirror.set(path, device.tensor(tensor.readSync(), tensor))
  })
  const mirrors = [...optimizer.mirrors, anchor, integral]
  const options = { mirrors, probe: tokens, key: [seed, 7] as const }
  return {
    random,
    model,
    tokens,
    optimizer,
    anchor,
    mirrors,
    grow: (request) => grow(model, request, options),
  }
}

const tiny: GptConfig = {
  ...gptConfig({ vocabulary: 7, context: 5, embed: 4, heads: 2, layers: 2, norm: 'layer' }),
  blocks: [
    { id: 'b0', mlpHidden: 4, heads: 2, kvHeads: 2, headDim: 2 },
    { id: 'b1', mlpHidden: 3, heads: 2, kvHeads: 2, headDim: 2 },
  ],
}

describe.each([
  ['the reference', openReference(), 1e-12, times(6, 25)],
  ['wasm', openWasm(), 1e-5, times(6, 25)],
] as const)('growth on %s', (_, device, tolerance, lives) => {
  test('leaves the logits where they are, through any sequence of requests', async () => {
    for (let seed = 1; seed <= lives; seed++) {
      const life = lifeOf(seed, device)
      const before = logitsOf(life.model, life.tokens)
      for (let i = 0; i < 10; i++) {
        const request = drawRequest(life.model.config, life.random)
        const { parameters } = planGrowth(life.model.config, request, [1, 2])
        const record = await life.grow(request)
        expect(record.logitsMoved).toBeLessThanOrEqual(tolerance)
        expect(record.parametersAfter).toBe(life.model.parameters.size)
        expect(record.parametersAfter).toBe(record.parametersBefore + parameters)
      }
      expect(relativeDifference(before, logitsOf(life.model, life.tokens))).toBeLessThanOrEqual(tolerance)
    }
  })
  test('can be taken back, one by one, to every byte of parameters and mirrors, and every buffer', async () => {
    for (let seed = 1; seed <= lives; seed++) {
      const life = lifeOf(seed, device)
      const [stages, records, { buffers }] = [[] as unknown[], [] as GrowthRecord[], device.memory]
      for (let i = 0; i < 10; i++) {
        stages.push(everyByte(life.model, life.mirrors))
        records.push(await life.grow(drawRequest(life.model.config, life.random)))
      }
      for (const [i, record] of [...records.entries()].reverse()) {
        ungrow(life.model, record, life.mirrors)
        expect(everyByte(life.model, life.mirrors)).toEqual(stages[i])
      }
      expect(device.memory.buffers).toBe(buffers)
    }
  })
  test('makes weights that all learn within two steps', async () => {
    for (let seed = 1; seed <= lives; seed++) {
      const life = lifeOf(seed, device)
      const { config } = life.model
      const request = drawRequest(config, life.random)
      const { plan } = planGrowth(config, request, [seed, 7])
      await life.grow(request)
      const steps = [0, 1].map((step) => learn(life.model, sgd(0.1), life.tokens, step))
      for (const change of plan.changes) {
        steps[0][change.path].forEach((gradient, i) => {
          if (learnsNothing(life.model, life.tokens, change.path, i)) return
          const gradients = [gradient, steps[1][change.path][i]]
          expect(
            gradients.some((s) => s !== 0),
            `${plan.summary}: ${change.path}[${i}] of life ${seed}`,
          ).toBe(true)
        })
      }
    }
  })
})

describe('what is shaped like parameters', () => {
  const device = openReference()
  const gradientsOf = (life: Life): Numbers =>
    scope(() => numbersOf(lossAndGradients(life.model, life.tokens).gradient))
  const rowsOf = (numbers: readonly number[], width: number): number[][] =>
    Array.from({ length: numbers.length / width }, (_, i) => numbers.slice(i * width, (i + 1) * width))
  /** Columns of `[rows, from]` or `[rows, to]` as rows. */
  const columnsOf = (numbers: readonly number[], width: number): number[][] =>
    Array.from({ length: width }, (_, i) => rowsOf(numbers, width).map((row) => row[i]))
  const scaled = (lists: readonly (readonly number[])[], factor: (i: number) => number): number[][] =>
    lists.map((list, i) => list.map((x) => x * factor(i)))
  const closeTo = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]): void => {
    expect(a.length).toBe(b.length)
    expect(relativeDifference(b.flat(), a.flat())).toBeLessThan(1e-12)
  }
  const momentsOf = (life: Life): Numbers[] =>
    life.optimizer.mirrors
      .filter(isTensorMirror)
      .map((mirror) =>
        numbersOf(Object.fromEntries(mirror.paths.map((path) => [path, mirror.get(path) as Tensor]))),
      )
  const [up, bias, down] = ['up.weight', 'up.bias', 'down.weight'].map((name) => `blocks.b0.mlp.${name}`)

  test('keeps its numbers at old places when units are fresh; new places hold 0, or the parameter for an anchor', async () => {
    const life = lifeOf(1, device, tiny)
    const before = [gradientsOf(life), ...momentsOf(life)]
    await life.grow({ kind: 'widenMlp', block: 'b0', to: 6 })
    const after = [gradientsOf(life), ...momentsOf(life)]
    before.forEach((old, which) => {
      for (const path of Object.keys(old)) {
        if (![up, bias, down].includes(path) && !isWithoutGradient(path))
          closeTo([after[which][path]], [old[path]])
      }
      closeTo(columnsOf(after[which][up], 6).slice(0, 4), columnsOf(old[up], 4))
      closeTo([after[which][bias].slice(0, 4)], [old[bias]])
      closeTo(rowsOf(after[which][down], 4).slice(0, 4), rowsOf(old[down], 4))
      if (which === 0) return
      expect(
        columnsOf(after[which][up], 6)
          .slice(4)
          .flat()
          .every((m) => m === 0),
      ).toBe(true)
      expect(
        rowsOf(after[which][down], 4)
          .slice(4)
          .flat()
          .every((m) => m === 0),
      ).toBe(true)
    })
    const grown = [...life.model.parameters.get(up).tensor.readSync()]
    expect([...(life.anchor.get(up)?.readSync() ?? [])].filter((_, i) => i % 6 >= 4)).toEqual(
      grown.filter((_, i) => i % 6 >= 4),
    )
  })
  test('follows the gradients when units split: shares of the incoming ones, the outgoing ones as they were', async () => {
    const life = lifeOf(2, device, tiny)
    const weights = (): Numbers => numbersOf(life.model.parameters.tensors())
    const [gradients, [first, second], old] = [gradientsOf(life), momentsOf(life), weights()]
    await life.grow({ kind: 'widenMlp', block: 'b0', to: 7, how: 'split' })
    // Units 0, 1 and 2 of 4 were split in a quarter and three quarters; unit 3 is whole.
    const share = (i: number): number => [0.25, 0.25, 0.25, 1, 0.75, 0.75, 0.75][i]
    const source = [0, 1, 2, 3, 0, 1, 2]
    const copies = (lists: readonly number[][]): number[][] => source.map((i) => lists[i])
    const [newGradients, [newFirst, newSecond], now] = [gradientsOf(life), momentsOf(life), weights()]
    // What growth.md section 2 derives is what the gradient does …
    closeTo(columnsOf(newGradients[up], 7), scaled(copies(columnsOf(gradients[up], 4)), share))
    closeTo(rowsOf(newGradients[down], 4), copies(rowsOf(gradients[down], 4)))
    // … and the moments do the same, the second with the square.
    closeTo(columnsOf(newFirst[up], 7), scaled(copies(columnsOf(first[up], 4)), share))
    closeTo(
      columnsOf(newSecond[up], 7),
      scaled(copies(columnsOf(second[up], 4)), (i) => share(i) ** 2),
    )
    closeTo([newFirst[bias]], [source.map((i, at) => first[bias][i] * share(at))])
    closeTo([newSecond[bias]], [source.map((i, at) => second[bias][i] * share(at) ** 2)])
    closeTo(rowsOf(newFirst[down], 4), copies(rowsOf(first[down], 4)))
    closeTo(rowsOf(newSecond[down], 4), copies(rowsOf(second[down], 4)))
    // Weights and anchors: incoming copied, outgoing shared out.
    closeTo(columnsOf(now[up], 7), copies(columnsOf(old[up], 4)))
    closeTo(rowsOf(now[down], 4), scaled(copies(rowsOf(old[down], 4)), share))
    expect([...(life.anchor.get(down)?.readSync() ?? [])]).toEqual(now[down])
  })
  test('is absent for a new block, and untouched for the others', async () => {
    const life = lifeOf(3, device, tiny)
    const before = momentsOf(life)
    const { configBefore } = await life.grow({ kind: 'addLayer', at: 1, mlpHidden: 2 })
    expect(configBefore).toEqual(tiny)
    expect(life.model.config.blocks.map(({ id }) => id)).toEqual(['b0', 'b2', 'b1'])
    expect(momentsOf(life)).toEqual(before)
  })
  test('starts young again when a block is taken away and another comes in its place', async () => {
    const life = lifeOf(4, device, tiny)
    const agesOf = async (): Promise<Record<string, number>> => {
      const [, state] = (await life.optimizer.toState()) as [null, { steps: Record<string, number> }]
      return state.steps
    }
    const path = 'blocks.b2.mlp.up.weight'
    const record = await life.grow({ kind: 'addLayer', at: 0 })
    for (let step = 2; step < 5; step++) learn(life.model, life.optimizer, life.tokens, step)
    expect((await agesOf())[path]).toBe(3)
    ungrow(life.model, record, life.mirrors)
    expect(Object.hasOwn(await agesOf(), path)).toBe(false)
    await life.grow({ kind: 'addLayer', at: 0 })
    learn(life.model, life.optimizer, life.tokens, 5)
    expect((await agesOf())[path]).toBe(1)
  })
})

describe('growth that cannot be', () => {
  const device = openReference()
  const impossible: readonly [GrowthRequest, string][] = [
    [{ kind: 'widenMlp', block: 'b7', to: 9 }, 'grow widenMlp: no block b7; this model has b0, b1.'],
    [
      { kind: 'widenMlp', block: 'b0', to: 4 },
      'grow widenMlp: got to = 4 for block b0; expected an integer above 4.',
    ],
    [{ kind: 'widenMlp', block: 'b0', to: 2 }, 'got to = 2'],
    [{ kind: 'widenMlp', block: 'b0', to: 5.5 }, 'got to = 5.5'],
    [{ kind: 'widenMlp', block: 'b0', to: Number.NaN }, 'got to = NaN'],
    [
      { kind: 'widenMlp', block: 'b1', to: 7, how: 'split' },
      'above 3 and at most 6: each unit splits in two.',
    ],
    [{ kind: 'addLayer', at: 3 }, 'grow addLayer: got at = 3; expected an integer from 0 to 2.'],
    [{ kind: 'addLayer', at: -1 }, 'got at = -1'],
    [{ kind: 'addLayer', at: 0.5 }, 'got at = 0.5'],
    [
      { kind: 'addLayer', at: 0, mlpHidden: 0 },
      'grow addLayer: got mlpHidden = 0; expected a positive integer.',
    ],
  ]
  test.each(impossible)(
    '%# throws a typed error and leaves every byte as it was',
    async (request, message) => {
      const life = lifeOf(1, device, tiny)
      const before = everyByte(life.model, life.mirrors)
      await expect(life.grow(request)).rejects.toThrow(OptionError)
      await expect(life.grow(request)).rejects.toThrow(message)
      expect(everyByte(life.model, life.mirrors)).toEqual(before)
    },
  )
  test('because a mirror does not follow leaves every byte as it was', async () => {
    const life = lifeOf(1, device, tiny)
    const before = everyByte(life.model, life.mirrors)
    const stubborn: Mirror = {
      name: 'stubborn',
      keep: () => Promise.resolve({}),
      remap() {
        throw new Error('I do not grow')
      },
    }
    const options = { mirrors: [...life.mirrors, stubborn], probe: life.tokens, key: [1, 2] as const }
    for (const request of [
      { kind: 'addLayer', at: 1 },
      { kind: 'widenMlp', block: 'b0', to: 6, how: 'split' },
    ] as const) {
      await expect(grow(life.model, request, options)).rejects.toThrow('I do not grow')
      expect(everyByte(life.model, life.mirrors)).toEqual(before)
    }
  })
  test('because the logits would move too far is taken back', async () => {
    const life = lifeOf(1, device, tiny)
    const before = everyByte(life.model, life.mirrors)
    const options = { mirrors: life.mirrors, probe: life.tokens, key: [1, 2] as const, tolerance: -1 }
    const attempt = grow(life.model, { kind: 'addLayer', at: 1 }, options)
    await expect(attempt).rejects.toThrow(GrowthRefusedError)
    await expect(attempt).rejects.toThrow(
      'layer 2 → 3: new block b2 above block b0" moved the logits by 0.0e+0',
    )
    expect(everyByte(life.model, life.mirrors)).toEqual(before)
  })
  test('because the grown model cannot be tried is taken back', async () => {
    const life = lifeOf(1, device, tiny)
    const before = everyByte(life.model, life.mirrors)
    const probe = tokensFor(life.model, life.random)
    const clumsy: Mirror = {
      name: 'clumsy',
      keep: () => Promise.resolve({}),
      remap: () => () => probe.dispose(),
    }
    const options = { mirrors: [...life.mirrors, clumsy], probe, key: [1, 2] as const }
    await expect(grow(life.model, { kind: 'addLayer', at: 1 }, options)).rejects.toThrow(DisposedTensorError)
    expect(everyByte(life.model, life.mirrors)).toEqual(before)
  })
  test('cannot be taken back out of turn, nor twice', async () => {
    const life = lifeOf(1, device, tiny)
    const wider = await life.grow({ kind: 'widenMlp', block: 'b0', to: 6 })
    const deeper = await life.grow({ kind: 'addLayer', at: 2 })
    const before = everyByte(life.model, life.mirrors)
    expect(() => ungrow(life.model, wider, life.mirrors)).toThrow(OptionError)
    expect(() => ungrow(life.model, wider, life.mirrors)).toThrow(
      'is not as "block b0: mlpHidden 4 → 6" left it',
    )
    expect(everyByte(life.model, life.mirrors)).toEqual(before)
    ungrow(life.model, deeper, life.mirrors)
    expect(() => ungrow(life.model, deeper, life.mirrors)).toThrow(OptionError)
    ungrow(life.model, wider, life.mirrors)
    expect(life.model.config).toEqual(tiny)
  })
})

describe('a plan for growth', () => {
  test('is plain data, foretells the price, and is the same for the same key', () => {
    for (let seed = 1; seed <= times(12, 50); seed++) {
      const random = drawFrom(seed)
      const config = drawConfig(random)
      const request = drawRequest(config, random)
      const planned = planGrowth(config, request, [1, seed])
      expect(JSON.parse(JSON.stringify(planned))).toEqual(planned)
      expect(planGrowth(config, request, [1, seed])).toEqual(planned)
      const model = modelOf(config, random, openReference())
      const larger = modelOf(planned.config, random, openReference())
      expect(larger.parameters.size - model.parameters.size).toBe(planned.parameters)
    }
  })
  test('never reuses the name of a block', async () => {
    const life = lifeOf(5, openReference(), tiny)
    await life.grow({ kind: 'addLayer', at: 0 })
    await life.grow({ kind: 'addLayer', at: 0 })
    expect(life.model.config.blocks.map(({ id }) => id)).toEqual(['b3', 'b2', 'b0', 'b1'])
  })
  test('gives the same new weights to every device', async () => {
    const [a, b] = [openReference(), openWasm()].map((device) => lifeOf(6, device, tiny))
    for (const life of [a, b]) await life.grow({ kind: 'addLayer', at: 1 })
    const weightsOf = (life: Life): number[] => [
      ...life.model.parameters.get('blocks.b2.mlp.up.weight').tensor.readSync(),
    ]
    expect(weightsOf(a)).toEqual(weightsOf(b))
  })
})

test('without a probe it compares the first tokens there are', async () => {
  const config = gptConfig({ vocabulary: 7, context: 20, embed: 8, heads: 2, layers: 1, mlpHidden: 8 })
  const [one, other] = [1, 1].map((seed) => modelOf(config, drawFrom(seed), openReference()))
  const request = { kind: 'addLayer', at: 1 } as const
  const tokens = Array.from({ length: 16 }, (_, i) => i % 7)
  const probe = other.device.tensor(tokens, { shape: [1, 16], dtype: 'i32' })
  const wanted = await grow(other, request, { mirrors: [], probe, key: [1, 2] })
  expect(await grow(one, request, { mirrors: [], key: [1, 2] })).toEqual(wanted)
  expect(everyByte(one, [])).toEqual(everyByte(other, []))
})
