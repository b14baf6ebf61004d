import {
  accumulate,
  adamw,
  byPath,
  chain,
  clipByGlobalNorm,
  decayWeights,
  type GradientTransform,
  movingAverage,
  muon,
  sgd,
} from '@burgeon/autograd/optim'
import {
  extendAxis,
  inversePlan,
  OptionError,
  type Plan,
  scope,
  type Shape,
  StateError,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { largestDifference } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { OptimizerLife, gradientAt } from './optimizer-life.ts'

const reference = openReference()
const devices = [
  ['the reference', reference, 1e-13],
  ['wasm', openWasm(), 2e-6],
] as const
const wider = (path: string, from: number, to: number): Plan => ({
  summary: 'wider',
  key: [1, 2],
  changes: [
    {
      kind: 'resize',
      path,
      dimensions: [extendAxis(from, to)],
      fresh: { kind: 'normal', standardDeviation: 1 },
    },
  ],
})

/** The mean of the gradients that four small batches gave. */
const meanGradient = (step: number, place: number): number =>
  [0, 1, 2, 3].reduce((total, i) => total + gradientAt(4 * step + i, place, 0) / 4, 0)

describe.each(devices)('accumulation on %s', (_, device, tolerance) => {
  test.each<[string, () => GradientTransform]>([
    ['plain descent', () => sgd(0.1)],
    ['momentum', () => sgd((step) => 0.1 / (1 + step), { momentum: 0.9 })],
    ['clipping and AdamW', () => chain(clipByGlobalNorm(0.5), adamw({ learningRate: 0.1 }))],
  ])('of four gradients teaches %s what one large batch would', (_, make) => {
    const shapes: Record<string, Shape> = { a: [5], b: [2, 3] }
    const [small, large] = [accumulate(4, make()), make()].map((o) => new OptimizerLife(device, o, shapes))
    for (let step = 0; step < 12; step++) small.step(step, (at, place) => gradientAt(at, place, 0))
    for (let step = 0; step < 3; step++) large.step(step, meanGradient)
    expect(largestDifference(small.numbers('a'), large.numbers('a'))).toBeLessThan(tolerance)
    expect(largestDifference(small.numbers('b'), large.numbers('b'))).toBeLessThan(tolerance)
    for (const life of [small, large]) life.dispose()
  })

  test('moves nothing in between, and keeps a sum only then', () => {
    const life = new OptimizerLife(device, accumulate(3, sgd(0.1)), { a: [5] })
    const { buffers } = device.memory
    const start = life.numbers('a')
    life.steps(0, 2)
    expect(life.numbers('a')).toEqual(start)
    expect(device.memory.buffers).toBe(buffers + 1)
    life.step(2)
    expect(life.numbers('a')).not.toEqual(start)
    expect(device.memory.buffers).toBe(buffers)
    life.dispose()
  })

  test('goes on from between two updates, and follows growth there', async () => {
    const make = (): GradientTransform => accumulate(4, sgd(0.1, { momentum: 0.5 }))
    const life = new OptimizerLife(device, make(), { a: [3] })
    life.steps(0, 6)
    const resumed = make()
    resumed.restore(structuredClone(await life.optimizer.toState()), life.store)
    expect(await resumed.toState()).toEqual(await life.optimizer.toState())
    const before = await life.optimizer.toState()
    life.apply(wider('a', 3, 5))
    expect(await life.optimizer.toState()).not.toEqual(before)
    life.apply(inversePlan(wider('a', 3, 5)))
    expect(await life.optimizer.toState()).toEqual(before)
    life.apply(wider('a', 3, 5))
    const start = life.numbers('a')
    life.steps(6, 8)
    const moved = life.numbers('a').map((w, i) => w - start[i])
    // What is new had no gradient in the first half of the batch.
    const late = (place: number): number =>
      (gradientAt(6, place, start[place]) + gradientAt(7, place, start[place])) / 4
    expect(largestDifference(moved.slice(3), [-0.1 * late(3), -0.1 * late(4)])).toBeLessThan(1e-6)
    life.dispose()
  })

  test('asked to skip, skips a batch where one of its gradients is not finite, and that one alone', async () => {
    const life = new OptimizerLife(device, accumulate(2, adamw({ learningRate: 0.1 })), { a: [3] })
    life.steps(0, 2)
    const [before, state] = [life.numbers('a'), (await life.optimizer.toState()) as { inner: object }]
    life.step(2, () => Number.NaN, 'skip')
    life.step(3, gradientAt, 'skip')
    expect(life.numbers('a')).toEqual(before)
    const { inner } = (await life.optimizer.toState()) as { inner: object }
    expect({ ...inner, steps: {} }).toEqual({ ...state.inner, steps: {} })
    life.steps(4, 6)
    expect(life.numbers('a').every(Number.isFinite)).toBe(true)
    expect(life.numbers('a')).not.toEqual(before)
    life.dispose()
  })
})

test('what was taken while it was told to skip may be skipped later, also by one that was restored', async () => {
  const make = (): GradientTransform => accumulate(2, adamw({ learningRate: 0.1 }))
  for (const isRestored of [false, true]) {
    const life = new OptimizerLife(reference, make(), { a: [3] })
    const before = life.numbers('a')
    life.step(0, () => Number.NaN, 'skip')
    const other = isRestored ? new OptimizerLife(reference, make(), { a: [3] }) : life
    if (isRestored) other.optimizer.restore(await life.optimizer.toState(), other.store)
    other.step(1)
    expect(other.numbers('a')).toEqual(before)
    other.steps(2, 4)
    expect(other.numbers('a')).not.toEqual(before)
    // Nobody may skip in this round any more.
    expect(() => other.step(4, () => Number.NaN)).toThrow(/NaN/)
    other.dispose()
    if (isRestored) life.dispose()
  }
})

test('accumulation refuses counts that are none, and states of a longer one', async () => {
  for (const bad of [0, -1, 1.5, Number.NaN]) expect(() => accumulate(bad, sgd(1))).toThrow(OptionError)
  const life = new OptimizerLife(reference, accumulate(4, sgd(1)), { a: [3] })
  life.steps(0, 3)
  const state = await life.optimizer.toState()
  expect(() => accumulate(3, sgd(1)).restore(state, life.store)).toThrow(
    'has taken 3 gradients; expected fewer than 3',
  )
  expect(() => accumulate(3, sgd(1)).restore(null, life.store)).toThrow(StateError)
  expect(life.optimizer.name).toBe('mean of 4 → sgd')
})

describe.each(devices)('a moving average on %s', (_, device, tolerance) => {
  /** Σ dᵗ⁻ˢ·wₛ / Σ dᵗ⁻ˢ: for d = 1 the mean. */
  const weighted = (history: readonly number[], decay: number): number => {
    const shares = history.map((_, i) => decay ** (history.length - 1 - i))
    const total = shares.reduce((a, b) => a + b, 0)
    return history.reduce((sum, w, i) => sum + w * shares[i], 0) / total
  }

  test.each([0, 0.5, 0.99, 1])('of decay %f is that of the weights after each update', (decay) => {
    const average = movingAverage(decay)
    const life = new OptimizerLife(device, chain(sgd(0.1), average), { a: [3] })
    const history: number[][] = []
    for (let step = 0; step < 8; step++) {
      life.step(step)
      history.push(life.numbers('a'))
      const now = [...average.tensors(life.store.tensors())['a'].readSync()]
      const wanted = now.map((_, i) =>
        weighted(
          history.map((w) => w[i]),
          decay,
        ),
      )
      expect(largestDifference(now, wanted)).toBeLessThan(tolerance)
    }
    life.dispose()
  })

  test('begins with what growth adds as it does with everything', () => {
    const average = movingAverage(0.9)
    const life = new OptimizerLife(device, chain(sgd(0.1), average), { a: [2] })
    const history: number[][] = []
    const live = (from: number, to: number): void => {
      for (let step = from; step < to; step++) {
        life.step(step)
        history.push(life.numbers('a'))
      }
    }
    const averages = (): number[] => [...average.tensors(life.store.tensors())['a'].readSync()]
    live(0, 4)
    life.apply(wider('a', 2, 4))
    expect(averages().slice(2)).toEqual(life.numbers('a').slice(2))
    live(4, 7)
    const wanted = [0, 1, 2, 3].map((i) => {
      return weighted(
        history.flatMap((w) => (i < w.length ? [w[i]] : [])),
        0.9,
      )
    })
    expect(largestDifference(averages(), wanted)).toBeLessThan(tolerance)
    life.dispose()
  })

  test('lets updates pass, is restored, and leaves alone what is not finite', async () => {
    const average = movingAverage(0.9)
    const life = new OptimizerLife(device, average, { a: [3] })
    life.steps(0, 3)
    const resumed = movingAverage(0.9)
    resumed.restore(structuredClone(await average.toState()), life.store)
    expect(await resumed.toState()).toEqual(await average.toState())
    const numbers = (of: typeof average): number[] => [...of.tensors(life.store.tensors())['a'].readSync()]
    const before = numbers(average)
    scope(() => {
      const update = device.tensor([Number.NaN, Infinity, -Infinity], { shape: [3], dtype: 'f32' })
      const answer = average.transform({ a: update }, { parameters: life.store.tensors(), step: 3 })
      expect(answer['a']).toBe(update)
    })
    expect(numbers(average)).toEqual(before)
    for (const mirror of resumed.mirrors) mirror.dispose?.()
    life.dispose()
  })
})

test('a moving average returns the parameter itself before the first step', () => {
  const life = new OptimizerLife(reference, movingAverage(0.5), { a: [3] })
  const parameters = life.store.tensors()
  expect(movingAverage(0.5).tensors(parameters)).toEqual(parameters)
  for (const bad of [-0.1, 1.1, Number.NaN]) expect(() => movingAverage(bad)).toThrow(OptionError)
})

describe('optimizers by path', () => {
  const make = (): GradientTransform =>
    byPath((path) => (path.endsWith('.weight') ? 'hidden' : 'others'), {
      hidden: muon({ learningRate: 0.1 }),
      others: adamw({ learningRate: 0.1 }),
    })
  const shapes: Record<string, Shape> = { 'x.bias': [3], 'x.weight': [3, 4], 'y.gain': [2] }

  test('move each parameter as its own would alone', () => {
    const [both, hidden, others] = [
      new OptimizerLife(reference, make(), shapes),
      new OptimizerLife(reference, muon({ learningRate: 0.1 }), { 'x.weight': [3, 4] }),
      new OptimizerLife(reference, adamw({ learningRate: 0.1 }), { 'x.bias': [3], 'y.gain': [2] }),
    ]
    for (const life of [both, hidden, others]) life.steps(0, 4)
    expect(both.all()).toEqual({ ...hidden.all(), ...others.all() })
    expect(both.optimizer.name).toBe('by path: hidden by muon, others by adamw')
    // A moment and two, the ages of AdamW and its paces of copies, and of each a count of skipped steps.
    expect(both.optimizer.mirrors).toHaveLength(7)
  })

  test('answer gradients in their order, and need no parameter for each of them', () => {
    const life = new OptimizerLife(reference, make(), { 'x.bias': [3] })
    life.steps(0, 2)
    scope(() => {
      const parameters = new OptimizerLife(reference, sgd(1), shapes).store.tensors()
      const updates = make().transform(parameters, { parameters, step: 0 })
      expect(Object.keys(updates)).toEqual(Object.keys(shapes))
    })
  })

  test('are saved by name, and refuse a state of other names', async () => {
    const [life, resumed] = [new OptimizerLife(reference, make(), shapes), make()]
    life.steps(0, 3)
    const state = structuredClone(await life.optimizer.toState())
    resumed.restore(state, life.store)
    expect(await resumed.toState()).toEqual(state)
    const other = byPath(() => 'all', { all: sgd(1) })
    expect(() => other.restore(state, life.store)).toThrow(
      'byPath: the saved state is that of hidden, others; expected all. Build it the same way.',
    )
    expect(() => other.restore(null, life.store)).toThrow(StateError)
  })

  test('refuse a choice that does not exist', () => {
    const choose = (): 'hidden' => 'hiden' as 'hidden'
    const life = new OptimizerLife(reference, byPath(choose, { hidden: sgd(1) }), { a: [2] })
    expect(() => life.step(0)).toThrow('byPath: a is to go to hiden; expected one of hidden.')
    expect(() => byPath(() => '' as never, {})).toThrow(OptionError)
  })
})

describe('weight decay as a stage', () => {
  test('pulls what `decays` selects towards 0, at the rate of the optimizer', () => {
    const decays = (path: string): boolean => path === 'a'
    const life = new OptimizerLife(reference, chain(decayWeights(0.5, decays), sgd(0.1)), { a: [3], b: [3] })
    const start = life.numbers('a')
    life.step(0, () => 0)
    expect(
      largestDifference(
        life.numbers('a'),
        start.map((w) => 0.95 * w),
      ),
    ).toBeLessThan(1e-15)
    expect(life.numbers('b')).toEqual(start)
  })
  test('keeps a gradient that is not finite for the optimizer to see', () => {
    const life = new OptimizerLife(reference, chain(decayWeights(0.5), sgd(0.1)), { a: [3] })
    const start = life.numbers('a')
    const bad = (_: number, place: number): number => [Number.NaN, Infinity, -Infinity][place]
    expect(() => life.step(0, bad)).toThrow('the gradient of a has NaN at place 0 of 3')
    life.step(0, bad, 'skip')
    expect(life.numbers('a')).toEqual(start)
  })
  test('has a rate', () => {
    for (const bad of [-1, Number.NaN]) expect(() => decayWeights(bad)).toThrow(OptionError)
  })
})
