import {
  adamw,
  type AdamwOptions,
  applyUpdates,
  chain,
  clipByGlobalNorm,
  type GradientTransform,
  sgd,
  stateless,
  warmUp,
  warmUpCosine,
} from '@burgeon/autograd/optim'
import {
  type Device,
  globalNorm,
  multiply,
  OptionError,
  ParameterError,
  ParameterStore,
  scope,
  StateError,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { largestDifference } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'

const reference = openReference()

function storeOf(device: Device, numbers: Readonly<Record<string, readonly number[]>>): ParameterStore {
  const store = new ParameterStore()
  for (const [path, data] of Object.entries(numbers)) {
    scope(() => store.add(path, ['embed'], device.tensor(data, { shape: [data.length], dtype: 'f32' })))
  }
  return store
}

/** A gradient that depends on step and place and on the parameter itself. */
const gradientAt = (step: number, place: number, value: number): number =>
  Math.fround(Math.sin(3 * step + place) + 0.5 * value)

function takeSteps(store: ParameterStore, optimizer: GradientTransform, from: number, to: number): void {
  for (let step = from; step < to; step++) {
    scope(() => {
      const parameters = store.tensors()
      const gradients: TensorsByPath = Object.fromEntries(
        Object.entries(parameters).map(([path, tensor]) => {
          const gradients = [...tensor.readSync()].map((value, i) => gradientAt(step, i, value))
          return [path, tensor.device.tensor(gradients, tensor)]
        }),
      )
      applyUpdates(parameters, optimizer.transform(gradients, { parameters, step }))
    })
  }
}

const numbersIn = (store: ParameterStore): number[] =>
  [...store].flatMap(({ tensor }) => [...tensor.readSync()])

/** AdamW of Loshchilov & Hutter (2019), algorithm 2, on plain numbers, begun at step `from` of the run. */
function plainAdamw(
  start: readonly number[],
  steps: number,
  options: Required<Omit<AdamwOptions, 'learningRate' | 'decays' | 'warmUp' | 'copyPacing'>>,
  rate: (step: number) => number,
  from = 0,
): number[] {
  const { beta1, beta2, epsilon, weightDecay } = options
  const [w, m, v] = [[...start], start.map(() => 0), start.map(() => 0)]
  for (let t = 1; t <= steps; t++) {
    for (const i of w.keys()) {
      const g = gradientAt(from + t - 1, i, w[i])
      m[i] = beta1 * m[i] + (1 - beta1) * g
      v[i] = beta2 * v[i] + (1 - beta2) * g * g
      const step = m[i] / (1 - beta1 ** t) / (Math.sqrt(v[i] / (1 - beta2 ** t)) + epsilon)
      w[i] -= rate(from + t - 1) * (step + weightDecay * w[i])
    }
  }
  return w
}

describe('AdamW', () => {
  const start = [0.5, -1, 2, 0, 1e-3]
  const options = { beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1 }
  test.each([
    ['the reference', reference, 1e-14],
    ['wasm', openWasm(), 1e-5],
  ] as const)('takes the same ten steps as the algorithm on paper, on %s', (_, device, tolerance) => {
    const store = storeOf(device, { w: start })
    const schedule = warmUpCosine({ warmup: 3, total: 8, peak: 0.1, final: 0.01 })
    takeSteps(store, adamw({ learningRate: schedule, ...options }), 0, 10)
    expect(largestDifference(numbersIn(store), plainAdamw(start, 10, options, schedule))).toBeLessThan(
      tolerance,
    )
  })
  test('has the defaults of the paper', () => {
    const [given, plain] = [storeOf(reference, { w: start }), storeOf(reference, { w: start })]
    takeSteps(
      given,
      adamw({ learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 }),
      0,
      3,
    )
    takeSteps(plain, adamw({ learningRate: 0.01 }), 0, 3)
    expect(numbersIn(plain)).toEqual(numbersIn(given))
  })
  test('decays only the chosen parameters', () => {
    const store = storeOf(reference, { 'a.weight': start, 'a.bias': start })
    const decays = (path: string): boolean => path.endsWith('.weight')
    takeSteps(store, adamw({ learningRate: 0.1, ...options, decays }), 0, 4)
    const [weight, bias] = [options, { ...options, weightDecay: 0 }].map((o) =>
      plainAdamw(start, 4, o, () => 0.1),
    )
    expect(largestDifference(numbersIn(store), [...weight, ...bias])).toBeLessThan(1e-14)
  })
  test('corrects the bias of a parameter that joins late by its own age', () => {
    const store = storeOf(reference, { a: start })
    const optimizer = adamw({ learningRate: 0.1, ...options })
    takeSteps(store, optimizer, 0, 5)
    scope(() => store.add('b', ['embed'], reference.tensor(start, { shape: [5], dtype: 'f32' })))
    takeSteps(store, optimizer, 5, 8)
    const young = [...store.get('b').tensor.readSync()]
    expect(
      largestDifference(
        young,
        plainAdamw(start, 3, options, () => 0.1, 5),
      ),
    ).toBeLessThan(1e-14)
  })
  test('leaves no subnormal number, which would slow processors down', () => {
    const store = storeOf(reference, { w: [1] })
    const optimizer = adamw({ learningRate: 0, weightDecay: 0 })
    const [first, second] = optimizer.mirrors as unknown as { get(path: string): Tensor | undefined }[]
    for (let step = 0; step < 20; step++) {
      scope(() => {
        const parameters = store.tensors()
        optimizer.transform({ w: multiply(parameters.w, step === 0 ? 1e-29 : 0) }, { parameters, step })
      })
    }
    expect([first.get('w')?.item(), second.get('w')?.item()]).toEqual([0, 0])
  })
  test('refuses options outside their range', () => {
    for (const bad of [
      { beta1: 1 },
      { beta2: -0.1 },
      { beta1: Number.NaN },
      { epsilon: 0 },
      { weightDecay: -1 },
    ]) {
      expect(() => adamw({ learningRate: 1, ...bad })).toThrow(OptionError)
    }
  })
})

describe('clipping', () => {
  const clip = (
    limit: number,
    gradients: readonly (readonly number[])[],
  ): { norm: number; all: number[][] } =>
    scope(() => {
      const tensors = Object.fromEntries(
        gradients.map((g, i) => [`p${i}`, reference.tensor(g, { shape: [g.length], dtype: 'f32' })]),
      )
      const clipped = Object.values(clipByGlobalNorm(limit).transform(tensors, { parameters: {}, step: 0 }))
      return { norm: globalNorm(clipped).item(), all: clipped.map((g) => [...g.readSync()]) }
    })

  test('scales everything by one factor so that the norm of all together is the limit', () => {
    const { norm, all } = clip(2, [[3, 0], [-4]])
    expect(norm).toBeCloseTo(2, 5)
    expect(norm).toBeLessThanOrEqual(2)
    expect(all[0][0] / all[1][0]).toBeCloseTo(-3 / 4, 12)
  })
  test('leaves gradients within the limit unchanged to the bit', () => {
    expect(clip(10, [[3, 0], [-4]]).all).toEqual([[3, 0], [-4]])
    expect(clip(1, [[0, 0], [0]]).all).toEqual([[0, 0], [0]])
  })
  test('refuses a limit that is not positive', () => {
    for (const bad of [0, -1, Number.NaN]) expect(() => clipByGlobalNorm(bad)).toThrow(OptionError)
  })
})

describe('schedules', () => {
  test('a warm-up rises in equal steps from the first and then stays', () => {
    expect([0, 1, 2, 3, 100].map(warmUp(1, 4))).toEqual([0.25, 0.5, 0.75, 1, 1])
    expect([0, 1].map(warmUp(1, 0))).toEqual([1, 1])
  })
  test('a cosine starts at the peak, is half way in the middle, and stays at the end', () => {
    const rate = warmUpCosine({ warmup: 2, total: 12, peak: 3, final: 1 })
    expect([0, 1, 2, 12, 1000].map(rate)).toEqual([1.5, 3, 3, 1, 1])
    expect(rate(7)).toBeCloseTo(2, 12)
    for (let step = 2; step < 12; step++) expect(rate(step + 1)).toBeLessThan(rate(step))
  })
  test('a cosine must end after its warm-up', () => {
    const bad = { warmup: 5, total: 5, peak: 1, final: 0 }
    expect(() => warmUpCosine(bad)).toThrow(
      'warmUpCosine: got warmup 5 and total 5; expected 0 ≤ warmup < total.',
    )
    expect(() => warmUpCosine({ ...bad, warmup: -1 })).toThrow(OptionError)
  })
  test('are asked for the step of the run', () => {
    const store = storeOf(reference, { w: [1] })
    const asked: number[] = []
    const rate = (step: number): number => {
      asked.push(step)
      return 0.5 ** step
    }
    takeSteps(store, sgd(rate), 7, 9)
    expect(asked).toEqual([7, 8])
  })
})

describe('gradient descent', () => {
  test('moves against the gradient', () => {
    const store = storeOf(reference, { w: [1, 2] })
    takeSteps(store, sgd(0.5), 0, 1)
    expect(numbersIn(store)).toEqual([1, 2].map((w, i) => w - 0.5 * gradientAt(0, i, w)))
  })
})

describe('a chain', () => {
  const build = (): GradientTransform =>
    chain(
      clipByGlobalNorm(1),
      adamw({ learningRate: 0.1 }),
      stateless('halve', (updates) =>
        Object.fromEntries(Object.entries(updates).map(([path, update]) => [path, multiply(update, 0.5)])),
      ),
    )
  const start = { a: [0.5, -1, 2], b: [3] }

  test('runs its stages in order and is named after them', () => {
    expect(build().name).toBe('clip by global norm 1 → adamw → halve')
    const [whole, half] = [storeOf(reference, start), storeOf(reference, start)]
    takeSteps(whole, chain(clipByGlobalNorm(1), adamw({ learningRate: 0.1 })), 0, 1)
    takeSteps(half, build(), 0, 1)
    const from = [...start.a, ...start.b]
    const moved = (store: ParameterStore): number[] => numbersIn(store).map((w, i) => w - from[i])
    expect(
      largestDifference(
        moved(half),
        moved(whole).map((d) => d / 2),
      ),
    ).toBeLessThan(1e-15)
  })
  test.each([
    ['the reference', reference],
    ['wasm', openWasm()],
  ] as const)('goes on with the same bits after saving and restoring, on %s', async (_, device) => {
    const [store, optimizer] = [storeOf(device, start), build()]
    takeSteps(store, optimizer, 0, 5)
    const state = structuredClone(await optimizer.toState())
    const weights = Object.fromEntries([...store].map(({ path, tensor }) => [path, [...tensor.readSync()]]))
    const [otherStore, other] = [storeOf(device, weights), build()]
    other.restore(state, otherStore)
    takeSteps(store, optimizer, 5, 9)
    takeSteps(otherStore, other, 5, 9)
    expect(numbersIn(otherStore)).toEqual(numbersIn(store))
    expect(await other.toState()).toEqual(await optimizer.toState())
  })
  test('refuses the state of another chain, and moments of another shape', async () => {
    const [store, optimizer] = [storeOf(reference, start), build()]
    takeSteps(store, optimizer, 0, 1)
    const state = await optimizer.toState()
    expect(() => chain(adamw({ learningRate: 1 })).restore(state, store)).toThrow('Build the same chain.')
    expect(() => build().restore({}, store)).toThrow(StateError)
    const smaller = storeOf(reference, { ...start, a: [1, 2] })
    expect(() => build().restore(state, smaller)).toThrow(ParameterError)
    expect(() => build().restore(state, smaller)).toThrow('a has shape [3]; expected [2] like the parameter.')
    expect(() => build().restore(state, storeOf(reference, { a: [1, 2, 3] }))).toThrow('no parameter b')
  })
  test('owns its moments and nothing else', () => {
    const [store, optimizer] = [storeOf(reference, start), build()]
    const { buffers } = reference.memory
    takeSteps(store, optimizer, 0, 1)
    expect(reference.memory.buffers).toBe(buffers + 4)
    takeSteps(store, optimizer, 1, 4)
    expect(reference.memory.buffers).toBe(buffers + 4)
  })
})
