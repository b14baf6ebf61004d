import {
  applyUpdates,
  clipByValue,
  type GradientTransform,
  lion,
  sgd,
  warmUpStableDecay,
} from '@burgeon/autograd/optim'
import {
  type Device,
  NonFiniteError,
  OptionError,
  ParameterStore,
  scope,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { largestDifference } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'

const reference = openReference()
const start = [0.5, -1, 2, 0, 1e-3]

/** A gradient that depends on step and place and on the parameter itself. */
const gradientAt = (step: number, place: number, value: number): number =>
  Math.fround(Math.sin(3 * step + place) + 0.5 * value)

/** One parameter that an optimizer moves. */
function life(device: Device, optimizer: GradientTransform) {
  const store = new ParameterStore()
  scope(() => store.add('w.weight', ['embed'], device.tensor(start, { shape: [5], dtype: 'f32' })))
  const { tensor } = store.get('w.weight')
  return {
    store,
    numbers: () => [...tensor.readSync()],
    step(
      step: number,
      numbers = [...tensor.readSync()].map((w, i) => gradientAt(step, i, w)),
      told?: { nonFinite: 'skip' },
    ) {
      scope(() => {
        const parameters: TensorsByPath = store.tensors()
        const gradients = { 'w.weight': device.tensor(numbers, { shape: [5], dtype: 'f32' }) }
        applyUpdates(parameters, optimizer.transform(gradients, { parameters, step, ...told }))
      })
    },
  }
}

/** The same on paper: a rule that returns the change, and keeps one moment. */
function onPaper(
  steps: number,
  rule: (g: number, m: number, w: number) => { change: number; m: number },
): number[] {
  const [w, m] = [[...start], start.map(() => 0)]
  for (let t = 0; t < steps; t++) {
    for (const i of w.keys()) {
      const next = rule(gradientAt(t, i, w[i]), m[i], w[i])
      w[i] += next.change
      m[i] = next.m
    }
  }
  return w
}

const family = {
  'sgd with momentum': {
    make: () => sgd(0.1, { momentum: 0.8 }),
    rule: (g: number, m: number) => ({ change: -0.1 * (0.8 * m + g), m: 0.8 * m + g }),
  },
  'sgd with Nesterov momentum': {
    make: () => sgd(0.1, { momentum: 0.8, nesterov: true }),
    rule: (g: number, m: number) => ({ change: -0.1 * (g + 0.8 * (0.8 * m + g)), m: 0.8 * m + g }),
  },
  lion: {
    make: () => lion({ learningRate: 0.01, beta1: 0.7, beta2: 0.9, weightDecay: 0.1 }),
    rule: (g: number, m: number, w: number) => ({
      change: -0.01 * (Math.sign(0.7 * m + 0.3 * g) + 0.1 * w),
      m: 0.9 * m + 0.1 * g,
    }),
  },
}

describe.each(Object.entries(family))('%s', (name, { make, rule }) => {
  test.each([
    ['the reference', reference, 1e-13],
    ['wasm', openWasm(), 1e-5],
  ] as const)('takes the same twenty steps as on paper, on %s', (_, device, tolerance) => {
    const own = life(device, make())
    for (let step = 0; step < 20; step++) own.step(step)
    expect(largestDifference(own.numbers(), onPaper(20, rule))).toBeLessThan(tolerance)
  })

  test('with `skip`, leaves weight and moment unchanged where the gradient is not finite', async () => {
    const optimizer = make()
    const own = life(reference, optimizer)
    own.step(0)
    const [before, state] = [own.numbers(), await optimizer.toState()]
    expect(() => own.step(1, [NaN, Infinity, -Infinity, NaN, NaN])).toThrow(NonFiniteError)
    own.step(1, [NaN, Infinity, -Infinity, NaN, NaN], { nonFinite: 'skip' })
    expect(own.numbers()).toEqual(before)
    expect(await optimizer.toState()).toEqual(state)
  })

  test('continues from its state, and has a name', async () => {
    const optimizer = make()
    expect(optimizer.name).toBe(name)
    const own = life(reference, optimizer)
    for (let step = 0; step < 3; step++) own.step(step)
    const resumed = make()
    resumed.restore(structuredClone(await optimizer.toState()), own.store)
    own.step(3, [1, 2, 3, 4, 5])
    scope(() => {
      const parameters = own.store.tensors()
      const gradients = { 'w.weight': reference.tensor([1, 2, 3, 4, 5], { shape: [5], dtype: 'f32' }) }
      resumed.transform(gradients, { parameters, step: 3 })
    })
    expect(await resumed.toState()).toEqual(await optimizer.toState())
  })
})

test('lion decays only the chosen parameters', () => {
  const [decayed, kept] = [true, false].map((decays) => {
    const own = life(reference, lion({ learningRate: 0.1, weightDecay: 0.5, decays: () => decays }))
    own.step(0, [0, 0, 0, 0, 0])
    return own.numbers()
  })
  expect(kept).toEqual(start)
  expect(
    largestDifference(
      decayed,
      start.map((w) => w - 0.05 * w),
    ),
  ).toBeLessThan(1e-15)
})

test('clipping by value limits every number and keeps NaN', () => {
  const clipped = scope(() => {
    const g = reference.tensor([-5, -1, 0, 0.5, 9, NaN], { shape: [6], dtype: 'f32' })
    return [...clipByValue(1).transform({ g }, { parameters: {}, step: 0 })['g'].readSync()]
  })
  expect(clipped).toEqual([-1, -1, 0, 0.5, 1, NaN])
})

test('a rate that rises, stays, and falls by the square root of the share that is done', () => {
  const rate = warmUpStableDecay({ warmup: 2, decayFrom: 10, total: 14, peak: 2, final: 1 })
  expect([0, 1, 9, 10, 11, 14, 99].map(rate)).toEqual([1, 2, 2, 2, 1.5, 1, 1])
})

test('options out of range are refused', () => {
  for (const bad of [
    () => sgd(1, { momentum: 1 }),
    () => sgd(1, { nesterov: true }),
    () => lion({ learningRate: 1, beta1: 1 }),
    () => lion({ learningRate: 1, weightDecay: -1 }),
    () => clipByValue(0),
    () => warmUpStableDecay({ warmup: 3, decayFrom: 2, total: 5, peak: 1, final: 0 }),
  ]) {
    expect(bad).toThrow(OptionError)
  }
})
