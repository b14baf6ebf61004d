import { adafactor, type AdafactorOptions } from '@burgeon/autograd/optim'
import {
  extendAxis,
  inversePlan,
  OptionError,
  type Plan,
  type Shape,
  StateError,
  keepAxis,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { largestDifference } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { OptimizerLife, gradientAt, startAt } from './optimizer-life.ts'

const reference = openReference()
const meanOf = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length
const rms = (numbers: readonly number[]): number => Math.sqrt(meanOf(numbers.map((x) => x * x)))

/** Sums over rows and columns as Shazeer & Stern (2018), algorithms 4 to 6, have them, on plain numbers. */
function plainAdafactor(
  rows: number,
  columns: number,
  steps: number,
  options: Pick<AdafactorOptions, 'relative' | 'weightDecay'> & { rate?: (t: number) => number },
): number[] {
  const { relative = true, weightDecay = 0, rate = (t) => Math.min(1e-2, 1 / Math.sqrt(t)) } = options
  const w = Array.from({ length: rows * columns }, (_, i) => startAt(i))
  const [r, c] = [Array.from({ length: rows }, () => 0), Array.from({ length: columns }, () => 0)]
  const v = w.map(() => 0)
  for (let t = 1; t <= steps; t++) {
    const beta = 1 - t ** -0.8
    const g = w.map((value, i) => gradientAt(t - 1, i, value))
    const g2 = g.map((x) => x * x + 1e-30)
    const total = (isMine: (at: number) => boolean): number =>
      g2.reduce((sum, x, at) => sum + (isMine(at) ? x : 0), 0)
    for (const i of r.keys()) r[i] = beta * r[i] + (1 - beta) * total((at) => Math.floor(at / columns) === i)
    for (const j of c.keys()) c[j] = beta * c[j] + (1 - beta) * total((at) => at % columns === j)
    for (const i of v.keys()) v[i] = beta * v[i] + (1 - beta) * g2[i]
    const all = r.reduce((a, b) => a + b, 0)
    const u = g.map((x, at) => {
      const factored = (r[Math.floor(at / columns)] * c[at % columns]) / all
      return x / Math.sqrt(rows === 1 ? v[at] : factored)
    })
    const alpha = rate(t) * (relative ? Math.max(1e-3, rms(w)) : 1)
    const clip = Math.max(1, rms(u))
    for (const at of w.keys()) w[at] -= alpha * (u[at] / clip + weightDecay * w[at])
  }
  return w
}

describe.each([
  ['the reference', reference, 1e-12],
  ['wasm', openWasm(), 1e-5],
] as const)('Adafactor on %s', (_, device, tolerance) => {
  test.each([
    { shape: [3, 5], options: {} },
    { shape: [4, 2], options: { relative: false, weightDecay: 0.1 } },
    { shape: [4, 2], options: { weightDecay: 0.1 } },
    { shape: [7], options: {} },
    { shape: [7], options: { relative: false } },
  ])('takes the steps of the algorithms on paper: $shape, $options', ({ shape, options }) => {
    const life = new OptimizerLife(device, adafactor(options), { w: shape })
    life.steps(0, 12)
    const [rows, columns] = shape.length === 1 ? [1, shape[0]] : shape
    expect(largestDifference(life.numbers('w'), plainAdafactor(rows, columns, 12, options))).toBeLessThan(
      tolerance,
    )
    life.dispose()
  })

  test('takes a rate or a schedule of its own', () => {
    const learningRate = (step: number): number => 0.1 / (step + 1)
    const life = new OptimizerLife(device, adafactor({ learningRate }), { w: [3, 4] })
    life.steps(0, 6)
    const plain = plainAdafactor(3, 4, 6, { rate: (t) => learningRate(t - 1) })
    expect(largestDifference(life.numbers('w'), plain)).toBeLessThan(tolerance)
    life.dispose()
  })

  test('reads a parameter of rank 3 as a matrix', () => {
    const [deep, flat] = [
      [4, 2, 3],
      [4, 6],
    ].map((w) => new OptimizerLife(device, adafactor(), { w }))
    for (const life of [deep, flat]) life.steps(0, 5)
    expect(largestDifference(deep.numbers('w'), flat.numbers('w'))).toBeLessThan(tolerance)
    for (const life of [deep, flat]) life.dispose()
  })
})

interface Saved {
  readonly moment: Readonly<
    Record<'rows' | 'columns' | 'overall', Readonly<Record<string, { data: Float64Array; shape: Shape }>>>
  >
}

/** V̂ = R·C/mean of every number of the parameter `w`, R by C. */
async function estimate(life: OptimizerLife): Promise<number[][]> {
  const { moment } = (await life.optimizer.toState()) as Saved
  const [rows, columns, [overall]] = [
    moment.rows['w'].data,
    moment.columns['w'].data,
    moment.overall['w'].data,
  ]
  return [...rows].map((r) => [...columns].map((c) => (r * c) / overall))
}

const wider = (axis: number, shape: Shape): Plan => {
  const dimensions = shape.map((n, i) => (i === axis ? extendAxis(n, n + 2) : keepAxis(n)))
  return {
    summary: 'wider',
    key: [1, axis],
    changes: [{ kind: 'resize', path: 'w', dimensions, fresh: { kind: 'normal', standardDeviation: 1 } }],
  }
}

describe('Adafactor in growth', () => {
  test('keeps R + C numbers for a matrix of R·C, and one', () => {
    const life = new OptimizerLife(reference, adafactor(), { w: [30, 50] })
    const { bytes } = reference.memory
    life.steps(0, 3)
    expect((reference.memory.bytes - bytes) / 4).toBe(30 + 50 + 1)
  })

  test.each([0, 1])('along axis %i leaves what it knew of the old numbers', async (axis) => {
    const life = new OptimizerLife(reference, adafactor(), { w: [3, 4] })
    life.steps(0, 4)
    const before = await estimate(life)
    const state = await life.optimizer.toState()
    life.apply(wider(axis, [3, 4]))
    const after = await estimate(life)
    expect(before.map((row, i) => row.map((_, j) => after[i][j]))).toEqual(before)
    life.apply(inversePlan(wider(axis, [3, 4])))
    expect(await life.optimizer.toState()).toEqual(state)
  })

  test.each([0, 1])('along axis %i estimates new slices from their own first gradients', async (axis) => {
    const life = new OptimizerLife(reference, adafactor(), { w: [3, 4] })
    // One size of gradient everywhere, and a hundred times as much in what is new.
    life.step(0, (_, place) => (place % 2 === 0 ? 0.01 : -0.01))
    for (let step = 1; step < 50; step++) life.step(step, () => 0.01)
    life.apply(wider(axis, [3, 4]))
    const isNew = (place: number): boolean => (axis === 0 ? place >= 12 : place % 6 >= 4)
    life.step(50, (_, place) => (isNew(place) ? 1 : 0.01))
    const [first, ...rest] = (await estimate(life)).flatMap((row, i) =>
      row.map((v, j) => ({ v, isNew: axis === 0 ? i >= 3 : j >= 4 })),
    )
    expect(Math.sqrt(first.v)).toBeLessThan(0.06)
    const fresh = rest.filter((number) => number.isNew).map(({ v }) => Math.sqrt(v))
    expect(Math.min(...fresh)).toBeGreaterThan(0.3)
    expect(Math.max(...fresh)).toBeLessThan(3)
  })

  test('scales with the square of the factors of a split', async () => {
    const life = new OptimizerLife(reference, adafactor(), { w: [2, 3] })
    life.steps(0, 3)
    const before = await estimate(life)
    const split = { from: 3, source: [0, 1, 2, 1], gradientFactor: [1, 0.25, 1, 0.75] }
    life.apply({
      summary: 'split',
      key: [0, 0],
      changes: [{ kind: 'resize', path: 'w', dimensions: [keepAxis(2), split], fresh: { kind: 'zero' } }],
    })
    const wanted = before.map((row) => split.source.map((at, j) => row[at] * split.gradientFactor[j] ** 2))
    expect(largestDifference((await estimate(life)).flat(), wanted.flat())).toBeLessThan(1e-15)
  })

  test('does not turn a matrix on its side when another split becomes more square', async () => {
    // 4 × 8 at first; grown anew it would be read as 8 × 32.
    const life = new OptimizerLife(reference, adafactor(), { w: [4, 2, 4] })
    life.steps(0, 2)
    const shapes = async () => ((await life.optimizer.toState()) as Saved).moment.rows['w'].shape
    expect(await shapes()).toEqual([4, 1, 1])
    const dimensions = [keepAxis(4), keepAxis(2), extendAxis(4, 32)]
    life.apply({
      summary: 'longer',
      key: [0, 0],
      changes: [{ kind: 'resize', path: 'w', dimensions, fresh: { kind: 'one' } }],
    })
    life.steps(2, 4)
    expect(await shapes()).toEqual([4, 1, 1])
  })
})

test('Adafactor decays only what `decays` selects', () => {
  const decays = (path: string): boolean => path === 'a'
  const options = { learningRate: 0.5, relative: false, weightDecay: 0.5, decays }
  const life = new OptimizerLife(reference, adafactor(options), { a: [2, 2], b: [2, 2] })
  const start = life.numbers('a')
  life.step(0, () => 0)
  expect(life.all()).toEqual({ a: start.map((w) => w - 0.25 * w), b: start })
})

test('Adafactor refuses wrong options and states that are not its own', async () => {
  for (const bad of [{ weightDecay: -1 }, { warmUp: 0.5 }]) expect(() => adafactor(bad)).toThrow(OptionError)
  const life = new OptimizerLife(reference, adafactor(), { w: [2, 3] })
  life.step(0)
  const state = (await life.optimizer.toState()) as { moment: object }
  for (const damage of [
    null,
    {},
    { ...state, moment: undefined },
    { ...state, moment: { ...state.moment, rowAxes: { w: 2 } } },
  ]) {
    expect(() => adafactor().restore(damage, life.store)).toThrow(StateError)
  }
  const transposed = new OptimizerLife(reference, adafactor(), { w: [3, 2] })
  expect(() => adafactor().restore(state, transposed.store)).toThrow(
    'adafactor means of rows: the saved state of w has shape [2, 1]; expected [3, 1] along its axes of the parameter.',
  )
})

test('Adafactor makes no temporary that outlives the step', () => {
  const life = new OptimizerLife(reference, adafactor(), { w: [2, 3], b: [3] })
  life.step(0)
  const { buffers } = reference.memory
  life.steps(1, 4)
  expect(reference.memory.buffers).toBe(buffers)
})
