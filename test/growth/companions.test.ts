/** What goes through life beside a model: sums over its path, copies in another form, ancestors and what they said. */
import { checkGradient } from '@burgeon/autograd/testing'
import { onlineEwc } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { earlierTokens, grow, logitsOfEarlier, ungrow } from '@burgeon/gpt/growth'
import {
  abs,
  add,
  assign,
  DerivedMirror,
  type Device,
  divide,
  elementwise,
  exp,
  expression,
  max,
  multiply,
  OptionError,
  scope,
  subtract,
  sum,
  type Tensor,
  TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import {
  drawConfig,
  drawFrom,
  drawPruning,
  drawRequest,
  lossAndGradients,
  modelOf,
  type Numbers,
  numbersOf,
  relativeDifference,
  tokensFor,
} from './tiny-model.ts'
import { costOf } from '../continual/cost-of.ts'

const seeds = Array.from({ length: 8 }, (_, i) => i + 1)
const devices = [
  ['the reference', openReference(), 1e-10],
  ['wasm', openWasm(), 1e-5],
] as const

/** Every number of `expected` is there, but for what rounding may do to the largest one of its tensor. */
function expectNear(found: Numbers, expected: Numbers, tolerance: number): void {
  expect(Object.keys(found).toSorted()).toEqual(Object.keys(expected).toSorted())
  for (const [path, numbers] of Object.entries(expected)) {
    const largest = Math.max(1e-3, ...numbers.map(Math.abs))
    numbers.forEach((x, i) =>
      expect(Math.abs(found[path][i] - x), `${path}[${i}]`).toBeLessThan(tolerance * largest),
    )
  }
}

/** Splits every unit of the first block. */
async function splitUnits(model: Gpt, mirrors: readonly TensorMirror[]): Promise<void> {
  using probe = tokensFor(model, drawFrom(1))
  const { id, mlpHidden } = model.config.blocks[0]
  const request = { kind: 'widenMlp', block: id, to: 2 * mlpHidden, how: 'split' } as const
  await grow(model, request, { mirrors, probe, key: [1, 2] })
}

/** Adds −gradient·change for a change that is given, and makes it (Zenke et al. 2017, eq. 3). */
function walk(model: Gpt, tokens: Tensor, change: (path: string) => Tensor, integral: TensorMirror): void {
  scope(() => {
    const { gradient } = lossAndGradients(model, tokens)
    for (const { path, tensor } of model.parameters) {
      const [own, moved] = [gradient[path], change(path)]
      const before = integral.getOrZero(path, tensor)
      integral.set(path, subtract(before, multiply(own, moved)))
      assign(tensor, add(tensor, moved))
    }
  })
}

describe.each(devices)('on %s', (_, device, tolerance) => {
  const modelFor = (seed: number): Gpt => modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)

  test('path integrals of split units are those of a model that had gone the same way with split units', async () => {
    for (const seed of seeds) {
      const [small, twin] = [modelFor(seed), modelFor(seed)]
      const [integral, measured] = ['mapped', 'measured'].map(
        (name) => new TensorMirror(name, 'pathIntegral'),
      )
      await splitUnits(twin, [])
      using tokens = tokensFor(small, drawFrom(seed))
      for (let step = 0; step < 3; step++) {
        const random = drawFrom(1000 * seed + step)
        const change = new TensorMirror('change', 'value')
        scope(() => {
          for (const { path, tensor } of small.parameters) {
            const drawn = Float32Array.from({ length: tensor.size }, () => 0.01 * random.normal())
            change.set(path, device.tensor(drawn, { shape: tensor.shape, dtype: 'f32' }))
          }
        })
        walk(small, tokens, (path) => change.get(path) as Tensor, integral)
        // The same change of the split model: a change is shared out as values are.
        const split = modelFor(seed)
        await splitUnits(split, [change])
        walk(twin, tokens, (path) => change.get(path) as Tensor, measured)
        split.dispose()
        change.dispose()
      }
      await splitUnits(small, [integral])
      // Three steps' terms of either sign: rounding counts more.
      expectNear(numbersIn(integral), numbersIn(measured), 10 * tolerance)
      for (const mirror of [integral, measured]) mirror.dispose()
      small.dispose()
      twin.dispose()
    }
  })

  test('the penalty of EWC after units were split is what it was before, though squares measured anew would come to less', async () => {
    for (const seed of seeds) {
      const [model, twin] = [modelFor(seed), modelFor(seed)]
      const random = drawFrom(seed + 50)
      const [rows, length] = [3, model.config.context - 1]
      const tokens = Int32Array.from({ length: rows * (length + 1) }, () =>
        random.below(model.config.vocabulary),
      )
      const sample = { rows, length, tokens, domains: ['a', 'b', 'c'] }
      const [ewc, measured] = [onlineEwc({ strength: 10 }), onlineEwc({ strength: 10 })]
      ewc.consolidate(model, sample)
      await splitUnits(twin, [])
      measured.consolidate(twin, sample)
      // Away from the anchors, then split.
      scope(() => {
        for (const { tensor } of model.parameters) assign(tensor, multiply(tensor, 1.01))
      })
      const pullOf = (own: typeof ewc): number => scope(() => (costOf(own, model) as Tensor).item())
      const before = pullOf(ewc)
      await splitUnits(model, ewc.mirrors as TensorMirror[])
      expect(before).toBeGreaterThan(0)
      expect(Math.abs(pullOf(ewc) - before) / before).toBeLessThan(tolerance)
      expect(pullOf(measured)).toBeLessThan(before)
    }
  })

  test('copies in eight bits are those of the weights, after any growth, pruning and way back', async () => {
    for (const seed of seeds) {
      const model = modelFor(seed)
      const random = drawFrom(seed + 7)
      const copies = new DerivedMirror('int8', (weight, path) =>
        path.endsWith('.weight') ? rounded(weight) : null,
      )
      const { buffers } = device.memory
      copies.refresh(model.parameters)
      const isRight = (): void => {
        for (const { path, tensor } of model.parameters) {
          const copy = copies.get(path)
          expect(copy === undefined).toBe(!path.endsWith('.weight'))
          if (copy) expect([...copy.readSync()]).toEqual(scope(() => [...rounded(tensor).readSync()]))
        }
      }
      const records = []
      for (let i = 0; i < 10; i++) {
        const request =
          (i % 3 === 2 ? drawPruning(model.config, random) : null) ?? drawRequest(model.config, random)
        using probe = tokensFor(model, random)
        records.push(await grow(model, request, { mirrors: [copies], probe, key: [seed, i] }))
        isRight()
      }
      for (const record of records.toReversed()) {
        ungrow(model, record, [copies])
        isRight()
      }
      copies.dispose()
      expect(device.memory.buffers).toBe(buffers)
    }
  })

  test('what an ancestor says, and stored logits of it, can be held against what its descendant says in more tokens', async () => {
    for (const seed of seeds) {
      const model = modelFor(seed)
      const random = drawFrom(seed + 9)
      using tokens = tokensFor(model, random)
      const ancestor = Gpt.fromState(await model.toState(), device)
      const { vocabulary } = ancestor.config
      const stored = scope(() => [...ancestor.forward(tokens).readSync()])
      // Tokens that take from the one token that they stand for as much as they get: the sum is the same.
      for (let i = 0; i < 4; i++) {
        const parts = [[random.below(vocabulary)], [random.below(vocabulary + 1)]]
        const shares = [0.3, 0.2]
        const request = {
          kind: 'growVocabulary',
          tokens: parts.map((part, k) => ({
            parts: part,
            share: shares[k],
            takes: [shares[k]],
          })),
        } as const
        await grow(model, request, { mirrors: [], probe: tokens, key: [seed, i] })
        await grow(model, drawRequest(model.config, random), { mirrors: [], probe: tokens, key: [seed, i] })
      }
      const first = earlierTokens(model.growthLog, vocabulary)
      expect(first).toHaveLength(model.config.vocabulary)
      expect(Math.max(...first)).toBe(vocabulary - 1)
      const said = scope(() => [...logitsOfEarlier(model.forward(tokens), first).readSync()])
      expect(relativeDifference(stored, said)).toBeLessThan(10 * tolerance)
      expect(scope(() => [...ancestor.forward(tokens).readSync()])).toEqual(stored)
    }
  })
})

/** To 255 steps over the range of a tensor. */
function rounded(weight: Tensor): Tensor {
  return scope(() => {
    const step = divide(max(abs(weight)), 127)
    return multiply(elementwise(nearest, [divide(weight, add(step, 1e-30))]), step)
  })
}
const nearest = expression.floor(expression.add(expression.input(0), expression.constant(0.5)))

function numbersIn(mirror: TensorMirror): Numbers {
  return numbersOf(Object.fromEntries(mirror.paths.map((path) => [path, mirror.get(path)])) as TensorsByPath)
}

describe('earlier tokens', () => {
  const device: Device = openReference()
  const bytes = { vocabulary: 4, context: 3, embed: 4, heads: 1, layers: 1 }

  test('are what the text of a token begins with, at any time of the life, also after growth was taken back', async () => {
    const model = Gpt.create(bytes, { device })
    using probe = device.tensor(Int32Array.of(0, 1, 2), { shape: [1, 3], dtype: 'i32' })
    const more = (...parts: number[][]): ReturnType<typeof grow> =>
      grow(
        model,
        { kind: 'growVocabulary', tokens: parts.map((own) => ({ parts: own })) },
        { mirrors: [], probe, key: [1, 2] },
      )
    await more([2, 1], [4, 3]) // 4 and 5
    await grow(model, { kind: 'growContext', to: 5 }, { mirrors: [], probe, key: [1, 2] })
    const mistaken = await more([0, 0])
    ungrow(model, mistaken, [])
    await more([5, 0], [1, 4]) // 6 and 7
    expect(earlierTokens(model.growthLog, 4)).toEqual([0, 1, 2, 3, 2, 2, 2, 1])
    expect(earlierTokens(model.growthLog, 6)).toEqual([0, 1, 2, 3, 4, 5, 5, 1])
    expect(earlierTokens(model.growthLog, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    for (const never of [3, 5, 7, 9]) expect(() => earlierTokens(model.growthLog, never)).toThrow(OptionError)
  })

  test('get gradients through what stands for them', () => {
    const logits = device.tensor([0.3, -1, 0.5, 2, -0.7], { shape: [1, 5], dtype: 'f32' })
    expect(() => logitsOfEarlier(logits, [0, 1])).toThrow(OptionError)
    const weights = device.tensor([1, -2, 0.5], { shape: [3], dtype: 'f32' })
    const folds = (x: Tensor): Tensor => sum(multiply(logitsOfEarlier(x, [0, 1, 2, 1, 0]), weights))
    for (const order of [1, 2] as const)
      expect(checkGradient(folds, [logits], { order }).error).toBeLessThan(1e-7)
    const [folded, whole] = scope(() => [
      [...logitsOfEarlier(logits, [0, 1, 2, 1, 0]).readSync()],
      sum(exp(logits)).item(),
    ])
    expect(folded[1]).toBeCloseTo(Math.log(Math.exp(-1) + Math.exp(2)), 12)
    expect(folded.reduce((total, x) => total + Math.exp(x), 0)).toBeCloseTo(whole, 12)
  })
})
