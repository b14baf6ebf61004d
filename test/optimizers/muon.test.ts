import { muon, type MuonOptions } from '@burgeon/autograd/optim'
import { OptionError, scope, ShapeError, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { largestDifference } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { OptimizerLife, gradientAt, startAt } from './optimizer-life.ts'

const reference = openReference()

type Matrix = readonly (readonly number[])[]

const product = (a: Matrix, b: Matrix): number[][] =>
  a.map((row) => b[0].map((_, j) => row.reduce((total, x, k) => total + x * b[k][j], 0)))
const transposed = (a: Matrix): number[][] => a[0].map((_, j) => a.map((row) => row[j]))
const combined = (s: number, a: Matrix, t: number, b: Matrix): number[][] =>
  a.map((row, i) => row.map((x, j) => s * x + t * b[i][j]))
const norm = (a: Matrix): number => Math.hypot(...a.flat())

/** Five Newton–Schulz steps as Jordan et al. (2024) write them, on plain numbers: of XXᵀ whatever the shape. */
function plainOrthogonal(g: Matrix): number[][] {
  let x = g.map((row) => row.map((value) => value / (norm(g) + 1e-7)))
  for (let i = 0; i < 5; i++) {
    const a = product(x, transposed(x))
    x = combined(3.4445, x, 1, product(combined(-4.775, a, 2.0315, product(a, a)), x))
  }
  return x
}

/** What the steps make of one singular value, as a share of the Frobenius norm. */
function plainSingular(share: number): number {
  let s = share
  for (let i = 0; i < 5; i++) s = 3.4445 * s - 4.775 * s ** 3 + 2.0315 * s ** 5
  return s
}

const inRows = (numbers: readonly number[], columns: number): number[][] =>
  Array.from({ length: numbers.length / columns }, (_, i) => numbers.slice(i * columns, (i + 1) * columns))

type PlainOptions = Required<Pick<MuonOptions, 'momentum' | 'nesterov' | 'weightDecay'>>

function plainMuon(
  rows: number,
  columns: number,
  steps: number,
  rate: number,
  factor: number,
  options: PlainOptions,
) {
  const { momentum, nesterov, weightDecay } = options
  let w = inRows(
    Array.from({ length: rows * columns }, (_, i) => startAt(i)),
    columns,
  )
  let m = combined(0, w, 0, w)
  for (let step = 0; step < steps; step++) {
    const g = w.map((row, i) => row.map((value, j) => gradientAt(step, i * columns + j, value)))
    m = combined(momentum, m, 1, g)
    const o = plainOrthogonal(nesterov ? combined(1, g, momentum, m) : m)
    w = combined(1 - rate * weightDecay, w, -rate * factor, o)
  }
  return w.flat()
}

/** An orthogonal matrix: a product of mirrors. */
function orthogonalMatrix(size: number, salt: number): number[][] {
  let q: Matrix = Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => +(i === j)))
  for (let k = 0; k < size; k++) {
    const v = Array.from({ length: size }, (_, i) => Math.sin(salt + 3 * i + 7 * k))
    const square = v.reduce((total, x) => total + x * x, 0)
    q = product(
      q,
      v.map((x, i) => v.map((y, j) => +(i === j) - (2 * x * y) / square)),
    )
  }
  return q as number[][]
}

describe.each([
  ['the reference', reference, 1e-12],
  ['wasm', openWasm(), 1e-5],
] as const)('Muon on %s', (_, device, tolerance) => {
  const options = { momentum: 0.8, nesterov: true, weightDecay: 0.1 }
  test.each([
    { shape: [3, 5], scale: 'adamw', factor: 0.2 * Math.sqrt(5), nesterov: true },
    { shape: [6, 2], scale: 'adamw', factor: 0.2 * Math.sqrt(6), nesterov: false },
    { shape: [4, 4], scale: 'spectral', factor: 1, nesterov: true },
    { shape: [2, 6], scale: 'spectral', factor: Math.sqrt(3), nesterov: true },
    { shape: [6, 2], scale: 'spectral', factor: 1, nesterov: false },
  ] as const)('takes the steps of the algorithm on paper: $shape, $scale', ({ shape, factor, ...other }) => {
    const life = new OptimizerLife(device, muon({ learningRate: 0.1, ...options, ...other }), { w: shape })
    life.steps(0, 10)
    const plain = plainMuon(shape[0], shape[1], 10, 0.1, factor, { ...options, ...other })
    expect(largestDifference(life.numbers('w'), plain)).toBeLessThan(tolerance)
    life.dispose()
  })

  test.each([
    { shape: [6, 2, 3], matrix: [6, 6] },
    { shape: [2, 3, 6], matrix: [6, 6] },
    { shape: [2, 2, 2, 3], matrix: [4, 6] },
  ])('reads $shape as the matrix $matrix', ({ shape, matrix }) => {
    const make = () => muon({ learningRate: 0.1 })
    const [deep, flat] = [shape, matrix].map((w) => new OptimizerLife(device, make(), { w }))
    for (const life of [deep, flat]) life.steps(0, 3)
    expect(deep.numbers('w')).toEqual(flat.numbers('w'))
    for (const life of [deep, flat]) life.dispose()
  })

  test('keeps the singular vectors of a gradient and brings its singular values near 1', () => {
    const [u, v, values] = [orthogonalMatrix(6, 1), orthogonalMatrix(6, 2), [3, 2, 1.5, 1, 0.3, 0.1]]
    const withValues = (s: readonly number[]): number[] =>
      product(
        u.map((row) => row.map((x, k) => x * s[k])),
        v,
      ).flat()
    const after = values.map((s) => plainSingular(s / (Math.hypot(...values) + 1e-7)))
    // The band of Jordan et al.: not equal, but alike, from gradients that lay thirtyfold apart.
    expect(Math.min(...after)).toBeGreaterThan(0.68)
    expect(Math.max(...after)).toBeLessThan(1.13)
    const direction = scope(() => {
      const gradient = device.tensor(withValues(values), { shape: [6, 6], dtype: 'f32' })
      const optimizer = muon({ learningRate: 1, scale: 'spectral', nesterov: false })
      const update = optimizer.transform({ w: gradient }, { parameters: { w: gradient }, step: 0 })['w']
      const numbers = [...update.readSync()]
      for (const mirror of optimizer.mirrors) mirror.dispose?.()
      return numbers
    })
    expect(
      largestDifference(
        direction.map((x) => -x),
        withValues(after),
      ),
    ).toBeLessThan(tolerance)
  })
})

test('every singular value from a thirtieth of the norm on comes into the band', () => {
  for (let share = 0.03; share <= 1; share += 0.001) {
    expect(plainSingular(share)).toBeGreaterThan(0.68)
    expect(plainSingular(share)).toBeLessThan(1.14)
  }
})

test('a gradient of zeros moves nothing', () => {
  const life = new OptimizerLife(reference, muon({ learningRate: 1 }), { w: [2, 3] })
  const before = life.numbers('w')
  life.step(0, () => 0)
  expect(life.numbers('w')).toEqual(before)
})

test('Muon decays only what `decays` selects', () => {
  const decays = (path: string): boolean => path === 'a'
  const optimizer = muon({ learningRate: 0.5, weightDecay: 0.5, decays })
  const life = new OptimizerLife(reference, optimizer, { a: [2, 2], b: [2, 2] })
  const start = life.numbers('a')
  life.step(0, () => 0)
  expect(life.all()).toEqual({ a: start.map((w) => w - 0.25 * w), b: start })
})

test('Muon refuses vectors, and says where they belong', () => {
  const life = new OptimizerLife(reference, muon({ learningRate: 1 }), { gain: [3] })
  expect(() => life.step(0)).toThrow(ShapeError)
  expect(() => life.step(0)).toThrow(
    'muon: got gain of shape [3]; expected two axes or more. Give it to another optimizer with byPath.',
  )
})

test('Muon takes the axes that are rows as an option', () => {
  const [deep, flat] = [
    new OptimizerLife(reference, muon({ learningRate: 0.1, rowAxes: () => 2 }), { w: [3, 2, 2] }),
    new OptimizerLife(reference, muon({ learningRate: 0.1 }), { w: [6, 2] }),
  ]
  for (const life of [deep, flat]) life.steps(0, 3)
  expect(deep.numbers('w')).toEqual(flat.numbers('w'))
  const wrong = new OptimizerLife(reference, muon({ learningRate: 1, rowAxes: () => 3 }), { w: [3, 2, 2] })
  expect(() => wrong.step(0)).toThrow('muon: rowAxes returns 3 for w of shape [3, 2, 2]; expected an integer')
})

test('Muon refuses options outside their range', () => {
  for (const bad of [
    { momentum: 1 },
    { momentum: -1 },
    { weightDecay: -1 },
    { scale: 'none' },
    { warmUp: -1 },
  ]) {
    expect(() => muon({ learningRate: 1, ...(bad as object) })).toThrow(OptionError)
  }
})

test('Muon owns one moment for each parameter', () => {
  const life = new OptimizerLife(reference, muon({ learningRate: 1 }), { w: [2, 3] })
  const { buffers } = reference.memory
  life.steps(0, 3)
  expect(reference.memory.buffers).toBe(buffers + 1)
  const [moments] = life.optimizer.mirrors as unknown as { get(path: string): Tensor }[]
  expect(moments.get('w').shape).toEqual([2, 3])
})
