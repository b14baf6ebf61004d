/** Dense networks: what they compute, how they begin, come back and grow. */
import { adamw, sgd } from '@burgeon/autograd/optim'
import {
  classifier,
  type DenseNetwork,
  type DenseState,
  denseFromState,
  everySteps,
  Learner,
  onlineEwc,
  regressor,
  reservoirReplay,
  widenHidden,
} from '@burgeon/continual'
import {
  applyPlan,
  BurgeonError,
  type Engine,
  OptionError,
  ParameterError,
  TensorMirror,
  withEngineAsync,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { examples } from './linear-model.ts'

const device = openReference()
const tiny = (seed = 1): DenseNetwork => classifier({ inputs: 3, hidden: [4, 5], classes: 2, seed, device })
const read = (model: DenseNetwork): [string, number[]][] =>
  [...model.parameters].map(({ path, tensor }) => [path, [...tensor.readSync()]])
const outputsOf = (model: DenseNetwork, numbers: ArrayLike<number>): number[] => {
  const { inputs } = model.sizes
  using x = device.tensor(numbers, { shape: [numbers.length / inputs, inputs], dtype: 'f32' })
  using found = model.forward(x)
  return [...found.readSync()]
}

test('computes x·W + b, with a rectifier between layers and none behind the last', () => {
  const state: DenseState = {
    ...{ inputs: 2, hidden: [2], outputs: 1, predicts: 'numbers', masked: false, initial: 'he' },
    weights: {
      'layers.0.weight': { shape: [2, 2], data: Float32Array.of(1, -1, 2, 3) },
      'layers.0.bias': { shape: [2], data: Float32Array.of(0.5, -10) },
      'layers.1.weight': { shape: [2, 1], data: Float32Array.of(-2, 4) },
      'layers.1.bias': { shape: [1], data: Float32Array.of(0.25) },
    },
  }
  // Units of (1, 2): 1 + 4 + 0.5 = 5.5, and −1 + 6 − 10 < 0.
  expect(outputsOf(denseFromState(state, device), [1, 2])).toEqual([-2 * 5.5 + 0.25])
})

test.each([
  ['xavier', Math.sqrt(6 / 500), 0],
  ['he', Math.sqrt(6 / 300), 0],
  ['pytorch', 1 / Math.sqrt(300), 1 / Math.sqrt(300)],
] as const)('begins with %s: uniform numbers up to their bound', (initial, bound, biasBound) => {
  const model = classifier({ inputs: 300, hidden: [200], classes: 2, initial, device })
  const [[, weight], [, bias]] = read(model)
  for (const [numbers, most] of [
    [weight, bound],
    [bias, biasBound],
  ] as const) {
    expect(Math.max(...numbers.map(Math.abs))).toBeLessThanOrEqual(most)
    expect(Math.max(...numbers)).toBeGreaterThanOrEqual(0.9 * most)
  }
  const mean = weight.reduce((a, b) => a + b, 0) / weight.length
  expect(Math.abs(mean)).toBeLessThan((5 * bound) / Math.sqrt(3 * weight.length))
})

test('begins the same with the same seed, and otherwise with another', () => {
  expect(read(tiny(1))).toEqual(read(tiny(1)))
  expect(read(tiny(2))).not.toEqual(read(tiny(1)))
})

test('learns classes, and a regressor numbers', async () => {
  const learner = new Learner({ model: tiny(), optimizer: adamw({ learningRate: 0.03 }) })
  const losses: number[] = []
  for (let i = 0; i < 150; i++) losses.push((await learner.observe(examples(8 * i, 8 * i + 8))).loss)
  expect(losses[0]).toBeGreaterThan(0.4)
  expect(losses.slice(-10).reduce((a, b) => a + b, 0) / 10).toBeLessThan(0.15)
  const model = regressor({ inputs: 3, hidden: [8], outputs: 1, initial: 'he', device })
  const other = new Learner({ model, optimizer: adamw({ learningRate: 0.03 }) })
  const errors: number[] = []
  for (let i = 0; i < 150; i++) errors.push((await other.observe(examples(8 * i, 8 * i + 8))).loss)
  expect(errors.slice(-10).reduce((a, b) => a + b, 0) / 10).toBeLessThan(0.5 * errors[0])
})

test('a step on one example is a few ops: what is so small costs what is around it', async () => {
  const model = regressor({ inputs: 3, hidden: [4], outputs: 1, device })
  const learner = new Learner({ model, optimizer: sgd(0.1) })
  const ops: string[] = []
  const listen = (below: Engine): Engine => ({
    run: (op, inputs, attrs) => (ops.push(op), below.run(op, inputs, attrs)),
  })
  await withEngineAsync(listen, () => learner.observe(examples(0, 1)))
  // Forward six: linear, rectifier, linear, squared error, a sum over outputs and one over rows. Nothing is divided by 1.
  expect(ops.length).toBeLessThanOrEqual(32)
})

test('refuses rows of another width, classes that there are not, targets that are too few', async () => {
  const learner = new Learner({ model: tiny(), optimizer: sgd(0.1) })
  const right = examples(0, 2)
  await expect(learner.observe({ ...right, inputs: right.inputs.slice(2) })).rejects.toThrow('expected 3')
  await expect(learner.observe({ ...right, targets: Float32Array.of(0, 2) })).rejects.toThrow('one of 0 to 1')
  const numbers = regressor({ inputs: 3, outputs: 2, device })
  const other = new Learner({ model: numbers, optimizer: sgd(0.1) })
  await expect(other.observe(right)).rejects.toThrow('expected 2')
  expect(learner.step + other.step).toBe(0)
})

describe('a saved network', () => {
  test('comes back to the bit, in a learner that goes on', async () => {
    const parts = () => ({
      optimizer: adamw({ learningRate: 0.01 }),
      strategy: {
        rehearsal: reservoirReplay({ capacity: 8 }),
        penalties: [onlineEwc({ strength: 1 })],
        consolidateWhen: everySteps(2),
      },
    })
    const whole = new Learner({ model: tiny(), ...parts() })
    for (let i = 0; i < 5; i++) await whole.observe(examples(4 * i, 4 * i + 4))
    const saved = structuredClone(await whole.toState())
    const modelFromState = (state: DenseState): DenseNetwork => denseFromState(state, device)
    const resumed = Learner.fromState(saved, { ...parts(), modelFromState })
    for (let i = 5; i < 8; i++) {
      const batch = examples(4 * i, 4 * i + 4)
      expect(await resumed.observe(batch)).toEqual(await whole.observe(batch))
    }
    expect(read(resumed.model)).toEqual(read(whole.model))
  })
  test('that is damaged is refused', async () => {
    const state = await tiny().toState()
    const { 'layers.0.bias': bias, ...weights } = state.weights
    const damaged: unknown[] = [
      null,
      { ...state, hidden: 4 },
      { ...state, hidden: [4] },
      { ...state, inputs: 2 },
      { ...state, predicts: 'both' },
      { ...state, initial: 'ones' },
      { ...state, weights },
      { ...state, weights: { ...weights, 'layers.0.bias': { ...bias, shape: [5] } } },
      { ...state, weights: { ...state.weights, 'layers.9.bias': bias } },
    ]
    for (const each of damaged) expect(() => denseFromState(each as DenseState, device)).toThrow(BurgeonError)
    const short = { shape: [4], data: new Float32Array(3) }
    const withShort = { ...state, weights: { ...weights, 'layers.0.bias': short } }
    expect(() => denseFromState(withShort, device)).toThrow(BurgeonError)
    expect(() => denseFromState({ ...state, weights }, device)).toThrow(ParameterError)
  })
})

describe('a hidden layer that is widened', () => {
  const places = fc.record({
    seed: fc.integer({ min: 0, max: 1000 }),
    layer: fc.constantFrom(0, 1),
    more: fc.integer({ min: 1, max: 4 }),
    how: fc.constantFrom('fresh' as const, 'split' as const),
  })
  test('leaves the function as it is; mirrors follow, and all goes back to the byte', async () => {
    await fc.assert(
      fc.asyncProperty(places, async ({ seed, layer, more, how }) => {
        const model = tiny(seed)
        const { inputs } = examples(seed, seed + 4)
        const moments = new TensorMirror('moments', 'gradient')
        for (const { path, tensor } of model.parameters) moments.set(path, tensor)
        const [before, weights] = [outputsOf(model, inputs), read(model)]
        const { hidden } = model.sizes
        const undo = await widenHidden(
          model,
          { layer, to: hidden[layer] + more, how },
          { mirrors: [moments], key: [seed, 1] },
        )
        expect(model.sizes.hidden[layer]).toBe(hidden[layer] + more)
        outputsOf(model, inputs).forEach((x, i) => expect(Math.abs(x - before[i])).toBeLessThan(1e-5))
        for (const { path, tensor } of model.parameters) {
          expect(moments.get(path)?.shape).toEqual(tensor.shape)
        }
        applyPlan(undo, model.parameters, [moments], device)
        expect(read(model)).toEqual(weights)
        expect(model.sizes.hidden).toEqual(hidden)
      }),
      { numRuns: times(20, 200) },
    )
  })
  test('goes on learning in a learner, new units included', async () => {
    const model = tiny()
    const optimizer = adamw({ learningRate: 0.02 })
    const learner = new Learner({ model, optimizer })
    await learner.observe(examples(0, 8))
    await widenHidden(model, { layer: 0, to: 7 }, { mirrors: optimizer.mirrors, key: [3, 4] })
    const fresh = (): number[] => read(model)[0][1].filter((_, i) => i % 7 > 3)
    const outgoing = (): number[] => read(model)[2][1].slice(20)
    const before = [fresh(), outgoing()]
    expect(outgoing().every((x) => x === 0)).toBe(true)
    await learner.observe(examples(8, 16))
    await learner.observe(examples(16, 24))
    expect(outgoing().some((x) => x !== 0)).toBe(true)
    expect(fresh()).not.toEqual(before[0])
    expect((await learner.observe(examples(24, 32))).parameters).toBe(3 * 7 + 7 + 7 * 5 + 5 + 5 * 2 + 2)
  })
  test('cannot become smaller, or twice as wide and more by splitting', async () => {
    const options = { mirrors: [], key: [1, 2] as const }
    for (const request of [
      { layer: 0, to: 4 },
      { layer: 0, to: 9, how: 'split' as const },
      { layer: 2, to: 9 },
    ]) {
      await expect(widenHidden(tiny(), request, options)).rejects.toThrow(OptionError)
    }
  })
})
