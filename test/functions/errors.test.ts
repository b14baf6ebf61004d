/**
 * What does not fit is refused in the name of the function that was called, with what came and what was
 * expected.
 */
import * as t from '@burgeon/tensor'
import { fill, OptionError, ShapeError, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'

const device = openReference()
const x = (...shape: number[]): Tensor => fill(device, shape, 1)
const ids = (...shape: number[]): Tensor => fill(device, shape, 1, 'i32')

/** By function: calls with shapes that do not fit. */
const misfits: Readonly<Record<string, readonly (() => unknown)[]>> = {
  ...Object.fromEntries(
    (
      [
        ...['pow', 'less', 'lessEqual', 'greater', 'greaterEqual', 'equal', 'notEqual'],
        ...['logicalAnd', 'logicalOr', 'maximum', 'minimum', 'add', 'divide'],
      ] as const
    ).map((name) => [name, [() => (t[name as keyof typeof t] as typeof t.add)(x(2), x(3))]]),
  ),
  where: [() => t.where(x(2), x(3), 1), () => t.where(x(2), x(2), x(3))],
  softmax: [() => t.softmax(x(2), 1), () => t.softmax(x(2), -2)],
  logSoftmax: [() => t.logSoftmax(x(2), 1)],
  logsumexp: [() => t.logsumexp(x(2), { axes: [1] }), () => t.logsumexp(x(2), { axes: [0, 0] })],
  variance: [() => t.variance(x(2), { axes: [1] })],
  std: [() => t.std(x(2), { axes: [-2] })],
  argmax: [() => t.argmax(x(2, 0)), () => t.argmax(ids(2)), () => t.argmax(x(2), 1), () => t.argmax(x())],
  argmin: [() => t.argmin(x(0, 2), 0), () => t.argmin(ids(2)), () => t.argmin(x(2), 1), () => t.argmin(x())],
  stack: [
    () => t.stack([]),
    () => t.stack([x(2), x(3)]),
    () => t.stack([x(2), ids(2)]),
    () => t.stack([x(2)], 2),
  ],
  split: [
    () => t.split(x(3), 2),
    () => t.split(x(3), [1, 1]),
    () => t.split(x(3), 3, 1),
    () => t.split(x(), 1),
  ],
  squeeze: [() => t.squeeze(x(1, 2), [1]), () => t.squeeze(x(1), [1]), () => t.squeeze(x(1), [0, 0])],
  expandDims: [() => t.expandDims(x(2), 2), () => t.expandDims(x(2), -3)],
  flatten: [() => t.flatten(x(2, 3), 1, 0), () => t.flatten(x(2), 1), () => t.flatten(x(2), 0, 1)],
  flip: [() => t.flip(x(2), [1]), () => t.flip(x(2), [0, 0])],
  repeat: [() => t.repeat(x(2), 2, 1), () => t.repeat(x(), 2), () => t.repeat(x(2), 2 ** 31)],
  tile: [() => t.tile(x(2), [2 ** 31])],
  tril: [() => t.tril(x(2))],
  triu: [() => t.triu(x())],
  full: [() => t.full([-1], 1, { device })],
  oneHot: [() => t.oneHot(x(2), 3), () => t.oneHot(ids(2 ** 8), 2 ** 24)],
  meanSquaredError: [() => t.meanSquaredError(x(2), x(1))],
  l1: [() => t.l1(x(2), x(2, 1))],
  huber: [() => t.huber(x(2), x())],
  binaryCrossEntropy: [() => t.binaryCrossEntropy(x(2), x(3))],
  einsum: [
    () => t.einsum('ij,jk->ik', x(2, 3), x(2, 3)),
    () => t.einsum('ij,jk->ik', x(2, 3)),
    () => t.einsum('ij->i', x(2)),
    () => t.einsum('i->i', x(2, 3)),
    () => t.einsum('...ij->...', x(2)),
    () => t.einsum('ii', x(2, 3)),
    () => t.einsum('ii', x(1, 3)),
    () => t.einsum('...i,...i->...', x(2, 3), x(4, 3)),
  ],
}

describe('shapes that do not fit are a ShapeError', () => {
  test.each(Object.entries(misfits))('in the name of %s', (name, calls) => {
    for (const call of calls) {
      expect(call).toThrow(ShapeError)
      expect(call).toThrow(new RegExp(`^${name}: .*expected`))
    }
  })
})

/** By function: calls with numbers or words outside their range. */
const outOfRange: Readonly<Record<string, readonly (() => unknown)[]>> = {
  clip: [() => t.clip(x(2), {}), () => t.clip(x(2), { min: Number.NaN })],
  pow: [() => t.pow(2, 3)],
  variance: [() => t.variance(x(2), { correction: -1 })],
  huber: [() => t.huber(x(2), x(2), { delta: 0 })],
  l1: [() => t.l1(x(2), x(2), { reduction: 'average' as 'mean' })],
  softmax: [() => t.softmax(x(2), 0.5)],
  split: [() => t.split(x(2), 0), () => t.split(x(2), [3, -1])],
  repeat: [() => t.repeat(x(2), -1)],
  tile: [() => t.tile(x(2), [1.5])],
  tril: [() => t.tril(x(2, 2), 0.5)],
  full: [() => t.full([2], 0.5, { dtype: 'i32', device })],
  fullLike: [() => t.fullLike(ids(2), 0.5)],
  arange: [
    () => t.arange(3, { step: 0 }),
    () => t.arange(3, { step: 0.5, dtype: 'i32' }),
    () => t.arange(2 ** 25),
    () => t.arange(Infinity),
  ],
  linspace: [() => t.linspace(0, Infinity, 3), () => t.linspace(0, 1, -1)],
  eye: [() => t.eye(-1), () => t.eye(2, 0.5)],
  oneHot: [() => t.oneHot(ids(2), 2 ** 24 + 1)],
  einsum: [
    () => t.einsum('ij,jk>ik', x(2, 2), x(2, 2)),
    () => t.einsum('ij->ik', x(2, 2)),
    () => t.einsum('ij->ii', x(2, 2)),
    () => t.einsum('..i->i', x(2)),
    () => t.einsum('......->', x(2)),
    () => t.einsum('i1->i', x(2, 2)),
    () => t.einsum('i->j->k', x(2)),
  ],
}

describe('numbers and words outside their range are an OptionError', () => {
  test.each(Object.entries(outOfRange))('in the name of %s', (name, calls) => {
    for (const call of calls) {
      expect(call).toThrow(OptionError)
      expect(call).toThrow(new RegExp(`^${name}: .*expected`))
    }
  })
})

test('a misspelt option is refused with the right one', () => {
  const options = (given: object): never => given as never
  const calls: readonly [name: string, right: string, call: () => unknown][] = [
    ['clip', 'max', () => t.clip(x(2), options({ mxa: 1 }))],
    ['logsumexp', 'axes', () => t.logsumexp(x(2), options({ axis: [0] }))],
    ['variance', 'correction', () => t.variance(x(2), options({ correctoin: 1 }))],
    ['std', 'keepDims', () => t.std(x(2), options({ keepdims: true }))],
    ['full', 'dtype', () => t.full([2], 1, options({ type: 'i32' }))],
    ['arange', 'start', () => t.arange(2, options({ strat: 1 }))],
    ['meanSquaredError', 'reduction', () => t.meanSquaredError(x(2), x(2), options({ reducton: 'sum' }))],
    ['l1', 'reduction', () => t.l1(x(2), x(2), options({ Reduction: 'sum' }))],
    ['huber', 'delta', () => t.huber(x(2), x(2), options({ detla: 2 }))],
    [
      'binaryCrossEntropy',
      'reduction',
      () => t.binaryCrossEntropy(x(2), x(2), options({ reductions: 'sum' })),
    ],
  ]
  for (const [name, right, call] of calls) {
    expect(call).toThrow(OptionError)
    expect(call).toThrow(new RegExp(`^${name}: .*did you mean '${right}'`))
  }
})
