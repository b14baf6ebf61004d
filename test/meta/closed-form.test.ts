/** Meta-gradients against what one can work out by hand: quadratic losses of one number. */
import {
  adapt,
  anil,
  copiesOf,
  fomaml,
  LearnedRates,
  maml,
  metaSgd,
  type MetaTask,
  reptile,
} from '@burgeon/continual'
import {
  add,
  multiply,
  OptionError,
  scope,
  ShapeError,
  square,
  subtract,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'

// practice: h/2·(w − a)²; judgement: q/2·(w − b)²
const [w, h, a, q, b, rate] = [1.7, 3, 0.4, 2, -0.6, 0.1]
const bowl = (x: Tensor, curvature: number, lowest: number): Tensor =>
  multiply(square(subtract(x, lowest)), curvature / 2)
const task: MetaTask = {
  support: ({ w: x }) => sum(bowl(x, h, a)),
  query: ({ w: x }) => sum(bowl(x, q, b)),
}

/** Where `steps` inner steps lead: each multiplies the distance from the lowest point by 1 − α·h. */
const after = (steps: number): number => a + (1 - rate * h) ** steps * (w - a)

describe.each([openWasm({ threads: 1 }), openReference()])('on $name', (device) => {
  const one = (x: number): Tensor => device.tensor([x], { shape: [1], dtype: 'f32' })
  const weights = { w: one(w) }
  const numberOf = (make: () => Tensor): number => {
    using tensor = scope(make)
    return tensor.item()
  }

  test.each([1, 2, 5])('MAML goes through %d inner steps', (steps) => {
    const value = numberOf(() => maml([task], weights, { rate, steps }).value)
    const gradient = numberOf(() => maml([task], weights, { rate, steps }).gradient['w'])
    expect(value).toBeCloseTo((q / 2) * (after(steps) - b) ** 2, 6)
    expect(Math.abs(gradient - (1 - rate * h) ** steps * q * (after(steps) - b))).toBeLessThan(1e-6)
  })

  test.each([1, 2, 5])('FOMAML differs by the factor (1 − α·h) for each of %d inner steps', (steps) => {
    const gradient = numberOf(() => fomaml([task], weights, { rate, steps }).gradient['w'])
    expect(Math.abs(gradient - q * (after(steps) - b))).toBeLessThan(1e-6)
    const exact = numberOf(() => maml([task], weights, { rate, steps }).gradient['w'])
    expect(exact / gradient).toBeCloseTo((1 - rate * h) ** steps, 6)
  })

  test.each([1, 2, 5])('Reptile points from where %d inner steps lead back to the beginning', (steps) => {
    const gradient = numberOf(() => reptile([task], weights, { rate, steps }).gradient['w'])
    expect(gradient).toBeCloseTo(w - after(steps), 6)
    const value = numberOf(() => reptile([task], weights, { rate, steps }).value)
    expect(value).toBeCloseTo((q / 2) * (after(steps) - b) ** 2, 6)
  })

  test('Meta-SGD has the gradient by the rate as well', () => {
    const found = (pick: 'gradient' | 'rates'): number =>
      numberOf(() => metaSgd([task], weights, { w: one(rate) })[pick]['w'])
    expect(Math.abs(found('gradient') - (1 - rate * h) * q * (after(1) - b))).toBeLessThan(1e-6)
    expect(Math.abs(found('rates') - -h * (w - a) * q * (after(1) - b))).toBeLessThan(1e-5)
  })

  test.each([1, 3])('Meta-SGD without second derivatives is FOMAML, after %d inner steps', (steps) => {
    const found = (pick: 'gradient' | 'rates'): number =>
      numberOf(() => metaSgd([task], weights, { w: one(rate) }, { steps, firstOrder: true })[pick]['w'])
    expect(found('gradient')).toBeCloseTo(q * (after(steps) - b), 5)
    // Each step moves by −α times a gradient that counts as a constant.
    const way = Array.from({ length: steps }, (_, step) => -h * (after(step) - a)).reduce((x, y) => x + y)
    expect(found('rates')).toBeCloseTo(way * q * (after(steps) - b), 4)
  })

  test('several tasks count by their mean, one after another or side by side', () => {
    const lowest = [0.4, -1, 2]
    const apart = lowest.map((low): MetaTask => ({ ...task, support: ({ w: x }) => sum(bowl(x, h, low)) }))
    const row = device.tensor(lowest, { shape: [3, 1], dtype: 'f32' })
    const beside: MetaTask = {
      support: ({ w: x }) => sum(multiply(square(subtract(x, row)), h / 2), { axes: [1] }),
      query: ({ w: x }) => sum(bowl(x, q, b), { axes: [1] }),
      copies: 3,
    }
    const wanted = lowest
      .map((low) => low + (1 - rate * h) * (w - low))
      .reduce((total, x) => total + ((1 - rate * h) * q * (x - b)) / 3, 0)
    for (const tasks of [apart, [beside]]) {
      expect(numberOf(() => maml(tasks, weights, { rate }).gradient['w'])).toBeCloseTo(wanted, 5)
    }
    const moved = lowest.reduce((total, low) => total + (rate * h * (w - low)) / 3, 0)
    for (const tasks of [apart, [beside]]) {
      expect(numberOf(() => reptile(tasks, weights, { rate }).gradient['w'])).toBeCloseTo(moved, 5)
    }
  })

  test('ANIL leaves the paths that were not picked where they are', () => {
    const both = { body: one(2), head: one(3) }
    const seen: number[] = []
    const product = ({ body, head }: TensorsByPath): Tensor => sum(square(multiply(body, head)))
    const withBody: MetaTask = {
      support: product,
      query: (x) => {
        seen.push(x['body'].item(), x['head'].item())
        return product(x)
      },
    }
    const found = scope(() => anil([withBody], both, { rate: 0.01, adapts: (path) => path === 'head' }))
    // support (b·v)²: v' = v·(1 − 2α·b²); query (b·v')²: ∂/∂b = 2b·v'² − 8α·b³·v·v', ∂/∂v = 2b²·v'·(1 − 2α·b²)
    const moved = 3 * (1 - 2 * 0.01 * 4)
    expect(seen[0]).toBe(2)
    expect(seen[1]).toBeCloseTo(moved, 6)
    expect(found.gradient['body'].item()).toBeCloseTo(4 * moved ** 2 - 8 * 0.01 * 8 * 3 * moved, 4)
    expect(found.gradient['head'].item()).toBeCloseTo(8 * moved * (1 - 2 * 0.01 * 4), 4)
  })

  test('the loss of an inner step may depend on which it is', () => {
    const steps: number[] = []
    const moving = (x: TensorsByPath, step: number): Tensor => {
      steps.push(step)
      return sum(bowl(x['w'], h, step))
    }
    const adapted = scope(() => adapt(moving, weights, rate, { steps: 2 }))
    const first = w - rate * h * w
    expect(steps).toEqual([0, 1])
    expect(adapted['w'].item()).toBeCloseTo(first - rate * h * (first - 1), 6)
  })

  test('nothing outlives a meta-step', () => {
    const rates = new LearnedRates({ initial: rate })
    const step = (): void =>
      scope(() => {
        maml([task, task], weights, { rate, steps: 3 })
        fomaml([task], weights, { rate, steps: 3 })
        reptile([task], weights, { rate, steps: 3 })
        metaSgd([task], weights, rates.of(weights), { steps: 2 })
      })
    step()
    const { buffers, bytes } = device.memory
    for (let i = 0; i < 100; i++) step()
    expect(device.memory).toMatchObject({ buffers, bytes })
    rates.dispose()
    expect(device.memory.buffers).toBe(buffers - 1)
  })
})

describe('refuses', () => {
  const device = openWasm({ threads: 1 })
  const x = device.tensor([1, 2], { shape: [2], dtype: 'f32' })
  const simple: MetaTask = { support: (p) => sum(p['x']), query: (p) => sum(p['x']) }
  const wide = device.tensor([1, 2, 3], { shape: [3], dtype: 'f32' })
  test.each([
    ['a rate of 0', () => maml([simple], { x }, { rate: 0 })],
    ['an infinite rate', () => maml([simple], { x }, { rate: Infinity })],
    ['no inner step', () => fomaml([simple], { x }, { rate: 1, steps: 0 })],
    ['half an inner step', () => reptile([simple], { x }, { rate: 1, steps: 0.5 })],
    ['no tasks', () => reptile([], { x }, { rate: 1 })],
    ['no weight that steps', () => anil([simple], { x }, { rate: 1, adapts: () => false })],
    ['a weight without a rate', () => metaSgd([simple], { x, y: x }, { x })],
    ['no copies', () => copiesOf({ x }, 0)],
    ['half a copy', () => maml([{ ...simple, copies: 1.5 }], { x }, { rate: 1 })],
    ['a negative initial rate', () => new LearnedRates({ initial: -1 })],
  ])('%s', (_, doIt) => {
    expect(doIt).toThrow(OptionError)
  })
  test.each([
    ['a rate of another shape', () => metaSgd([simple], { x }, { x: wide })],
    [
      'weights that grew without their rates',
      () => {
        const rates = new LearnedRates({ initial: 1 })
        rates.of({ x: device.tensor([1], { shape: [1], dtype: 'f32' }) })
        rates.of({ x })
      },
    ],
    ['a loss that is no scalar', () => adapt((p) => p['x'], { x }, 1)],
    ['one loss for two copies', () => maml([{ ...simple, copies: 2 }], { x }, { rate: 1 })],
    [
      'a query loss that is no scalar',
      () => maml([{ ...simple, query: (p) => add(p['x'], 1) }], { x }, { rate: 1 }),
    ],
  ])('%s', (_, doIt) => {
    expect(doIt).toThrow(ShapeError)
  })
})
