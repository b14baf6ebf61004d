/** Cases for elementwise formulas, reductions and matrix products. */
import * as checks from '../../checks/checks.ts'
import { openReference } from '../../backends/reference/index.ts'
import { type Engine, withEngine } from '../../engine.ts'
import { derivative } from '../../expression/derivative.ts'
import * as e from '../../expression/expression.ts'
import type { Expression } from '../../expression/expression.ts'
import type { Attrs } from '../../op-table.ts'
import { firstMoment, secondMoment, update } from '../../ops/adamw/adamw.ts'
import * as arithmetic from '../../ops/elementwise/arithmetic.ts'
import type { MatmulAttrs } from '../../ops/matmul/matmul.ts'
import type { RandomStream } from '../../random/random-stream.ts'
import { scope } from '../../scope.ts'
import type { Shape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import type { PlainInput } from '../check-op.ts'
import { dtype, sizes, yesOrNo } from './attr-checks.ts'
import {
  chance,
  drawShape,
  drawSize,
  f32Input,
  gaussian,
  i32Input,
  pick,
  raggedSizes,
  spread,
  withSpecials,
} from './draw.ts'
import { binaryBuilders, drawExpression, unaryBuilders } from './draw-expression.ts'
import { stretchable } from './movement-cases.ts'
import type { OpCase, OpCases } from './op-case.ts'

const { constant: c, input, scalar } = e
const [x, y] = [input(0), input(1)]

/** Formulas of one input that models use, and their first and second gradients. */
function formulas(): readonly Expression[] {
  const { gelu, logSigmoid, relu, sigmoid, silu, softplus } = arithmetic
  return [sigmoid, logSigmoid, silu, relu, softplus, gelu]
    .map(formulaOf)
    .flatMap((formula) => [formula, derivative(formula, 0), derivative(derivative(formula, 0), 0)])
}

/** The formula that a function of `arithmetic.ts` gives to the elementwise op. */
function formulaOf(f: (a: Tensor) => Tensor): Expression {
  let formula = x
  const listener = (below: Engine): Engine => ({
    run(op, inputs, attrs) {
      formula = (attrs as Attrs<'elementwise'>).expression
      return below.run(op, inputs, attrs)
    },
  })
  scope(() => withEngine(listener, () => f(openReference().tensor([0], { shape: [1], dtype: 'f32' }))))
  return formula
}

function elementwise(
  expression: Expression,
  inputs: readonly PlainInput[],
  scalars: readonly number[] = [],
): OpCase<'elementwise'> {
  return { inputs, attrs: { expression, scalars, dtype: 'f32' } }
}

/** Numbers close to each other over the whole range in which a function is interesting, and special ones. */
function sweep(random: RandomStream, reach: number): PlainInput {
  return f32Input([331], (i) =>
    i < 300 ? (random.uniform() * 2 - 1) * reach : random.normal() * 10 ** (i - 330),
  )
}

export const elementwiseCases: OpCases<'elementwise'> = {
  attrs: {
    expression: checks.required(checks.role('an expression, such as expression.input(0)', 'kind')),
    scalars: checks.required(checks.list('a list of numbers', checks.anyNumber)),
    dtype,
  },
  tolerance: 2,
  edges: (random) => [
    ...unaryBuilders.flatMap((f) => [
      ...[1, 4, 30, 100].map((reach) => elementwise(f(x), [sweep(random, reach)])),
      elementwise(f(x), [withSpecials(random, [97])]),
    ]),
    ...binaryBuilders.flatMap((f) => [
      elementwise(f(x, y), [withSpecials(random, [97]), withSpecials(random, [97])]),
      elementwise(f(x, scalar(0)), [withSpecials(random, [33])], [pick(random, [0.1, -3, 1e30])]),
    ]),
    ...formulas().flatMap((formula) => [
      elementwise(formula, [sweep(random, 6)]),
      elementwise(formula, [sweep(random, 95)]),
    ]),
    ...[firstMoment, secondMoment].map((formula) => {
      const moments = Array.from({ length: 4 }, () => gaussian(random, [17], 1e-15))
      return elementwise(formula, moments, [0.001, 0.9, 0.999, 1e-8, 0.1, 2, 3, 0.1, 0.001])
    }),
    elementwise(
      update,
      Array.from({ length: 4 }, () => f32Input([17], () => random.uniform())),
      [0.1, 0.9, 0.99, 1e-8, 0.1, 2, 3],
    ),
    // the shapes that a kernel may treat specially: one number, no number, a row, a column, both, nothing
    // broadcast
    ...(
      [
        [[], []],
        [
          [3, 0],
          [1, 1],
        ],
        [[0], [1]],
        [[7, 33], [33]],
        [
          [7, 33],
          [7, 1],
        ],
        [
          [7, 1],
          [1, 33],
        ],
        [[33], [7, 1]],
        [
          [2, 3, 5, 8],
          [3, 1, 8],
        ],
        [
          [5, 1, 4],
          [5, 3, 4],
        ],
      ] as const
    ).map(([a, b]) => elementwise(e.subtract(x, y), [gaussian(random, a), gaussian(random, b)])),
    elementwise(c(0.1), [gaussian(random, [9])]),
    elementwise(y, [gaussian(random, [5]), gaussian(random, [3, 1])]),
    elementwise(e.select(e.less(x, y), y, c(-1)), [
      i32Input([9], () => random.below(5)),
      i32Input([9], () => random.below(5)),
    ]),
    { inputs: [gaussian(random, [33], 1000)], attrs: { expression: e.floor(x), scalars: [], dtype: 'i32' } },
    { inputs: [gaussian(random, [33], 1000)], attrs: { expression: x, scalars: [], dtype: 'i32' } },
    {
      inputs: [i32Input([9], () => random.below(2 ** 23))],
      attrs: { expression: e.add(x, c(1)), scalars: [], dtype: 'i32' },
    },
  ],
  draw(random) {
    const shape = drawShape(random, random.below(5), 700)
    const count = 1 + random.below(3)
    const numbers = pick(random, [gaussian, spread, withSpecials])
    const inputs = Array.from({ length: count }, (_, k) =>
      numbers(random, k === 0 ? shape : stretchable(random, shape)),
    )
    const scalars = [random.normal(), 0.1]
    return elementwise(drawExpression(random, { inputs: count, scalars: 2, depth: 4 }), inputs, scalars)
  },
}

const reductions = ['sum', 'max', 'min'] as const

export const reduceCases: OpCases<'reduce'> = {
  attrs: { kind: checks.required(checks.oneOf('sum', 'max', 'min')), axes: sizes, keepDims: yesOrNo },
  tolerance: 1,
  edges: (random) =>
    reductions.flatMap((kind): OpCase<'reduce'>[] => [
      { inputs: [gaussian(random, [])], attrs: { kind, axes: [], keepDims: false } },
      { inputs: [gaussian(random, [7])], attrs: { kind, axes: [], keepDims: true } },
      { inputs: [gaussian(random, [0])], attrs: { kind, axes: [0], keepDims: false } },
      { inputs: [i32Input([0, 3], () => 0)], attrs: { kind, axes: [0], keepDims: false } },
      { inputs: [gaussian(random, [3, 0, 2])], attrs: { kind, axes: [0, 2], keepDims: true } },
      { inputs: [gaussian(random, [3, 0, 2])], attrs: { kind, axes: [1], keepDims: false } },
      { inputs: [spread(random, [4097])], attrs: { kind, axes: [0], keepDims: false } },
      { inputs: [gaussian(random, [65, 33], 1, 1000)], attrs: { kind, axes: [0], keepDims: false } },
      { inputs: [gaussian(random, [65, 33], 1, -1000)], attrs: { kind, axes: [1], keepDims: true } },
      { inputs: [gaussian(random, [5, 3, 4, 7])], attrs: { kind, axes: [0, 2], keepDims: false } },
      { inputs: [gaussian(random, [5, 3, 4, 7])], attrs: { kind, axes: [1, 3], keepDims: false } },
      { inputs: [withSpecials(random, [33, 9])], attrs: { kind, axes: [1], keepDims: false } },
      { inputs: [withSpecials(random, [3, 40])], attrs: { kind, axes: [0], keepDims: false } },
      { inputs: [f32Input([3, 5], () => -Infinity)], attrs: { kind, axes: [1], keepDims: false } },
      {
        inputs: [i32Input([5, 9], () => random.below(100) - 200)],
        attrs: { kind, axes: [1], keepDims: false },
      },
      {
        inputs: [i32Input([5, 9], () => random.below(100) - 200)],
        attrs: { kind, axes: [0], keepDims: false },
      },
      {
        inputs: [i32Input([3, 70], () => random.below(2) + 2 ** 31 - 3)],
        attrs: { kind, axes: [1], keepDims: false },
      },
      // so long that a running sum would drift
      { inputs: [f32Input([200_003], () => 0.1)], attrs: { kind, axes: [0], keepDims: false } },
      { inputs: [f32Input([3, 30_001], () => 0.1)], attrs: { kind, axes: [1], keepDims: false } },
      { inputs: [f32Input([30_001, 5], () => 0.1)], attrs: { kind, axes: [0], keepDims: false } },
      { inputs: [f32Input([300, 3, 300], () => 0.1)], attrs: { kind, axes: [0, 2], keepDims: false } },
    ]),
  draw(random) {
    const shape = drawShape(random, random.below(5), 3000)
    const axes = shape.flatMap((_, i) => (chance(random, 0.5) ? [i] : []))
    return {
      inputs: [pick(random, [spread, spread, withSpecials])(random, shape)],
      attrs: { kind: pick(random, reductions), axes, keepDims: chance(random, 0.5) },
    }
  },
}

export const argmaxCases: OpCases<'argmax'> = {
  attrs: {},
  tolerance: 0,
  edges: (random) => [
    { inputs: [gaussian(random, [1])], attrs: {} },
    { inputs: [gaussian(random, [0, 3])], attrs: {} },
    { inputs: [f32Input([3, 17], () => 2)], attrs: {} },
    { inputs: [f32Input([5, 9], () => -Infinity)], attrs: {} },
    { inputs: [f32Input([9, 33], () => pick(random, [1, -1, Infinity, -Infinity]))], attrs: {} },
    { inputs: [gaussian(random, [2, 3, 1])], attrs: {} },
    ...[1, 2, 7, 33].map((size) => ({ inputs: [withSpecials(random, [19, size])], attrs: {} })),
    { inputs: [f32Input([3, 5], () => Number.NaN)], attrs: {} },
  ],
  draw(random) {
    const shape = [...drawShape(random, random.below(4), 60), drawSize(random)]
    return { inputs: [f32Input(shape, () => Math.round(random.normal() * 5))], attrs: {} }
  },
}

/** A product of `a[…, M, K]` and `b[…, K, N]`, stored as the attributes say. */
function product(
  random: RandomStream,
  [m, n, k]: readonly [number, number, number],
  { transposeA, transposeB }: MatmulAttrs,
  batches: readonly [Shape, Shape] = [[], []],
): OpCase<'matmul'> {
  const a = spread(random, [...batches[0], ...(transposeA ? [k, m] : [m, k])])
  const b = spread(random, [...batches[1], ...(transposeB ? [n, k] : [k, n])])
  return { inputs: [a, b], attrs: { transposeA, transposeB } }
}

const layouts: readonly MatmulAttrs[] = [false, true].flatMap((transposeA) =>
  [false, true].map((transposeB) => ({ transposeA, transposeB })),
)

/** Three sizes whose product is at most `budget`. */
function productSizes(random: RandomStream, budget: number): [number, number, number] {
  for (;;) {
    const sizes: [number, number, number] = [drawSize(random), drawSize(random), drawSize(random)]
    if (sizes[0] * sizes[1] * sizes[2] <= budget) return sizes
  }
}

export const matmulCases: OpCases<'matmul'> = {
  attrs: { transposeA: yesOrNo, transposeB: yesOrNo },
  tolerance: 1,
  edges: (random) =>
    layouts.flatMap((layout) => [
      ...(
        [
          [1, 1, 1],
          [0, 3, 2],
          [3, 0, 2],
          [3, 2, 0],
          [1, 65, 17],
          [65, 1, 17],
          [33, 33, 1],
          [6, 8, 300],
          [7, 9, 257],
          [17, 65, 33],
          // longer than one block, and than one stretch, of terms
          [7, 9, 1025],
          [2, 3, 20_001],
        ] as const
      ).map((sizes) => product(random, sizes, layout)),
      product(random, [5, 7, 3], layout, [
        [2, 3],
        [2, 3],
      ]),
      product(random, [5, 7, 3], layout, [[2, 1], [3]]),
      product(random, [5, 7, 3], layout, [[], [4]]),
      product(random, [5, 7, 3], layout, [[4], []]),
      product(random, [5, 7, 3], layout, [[0], [1]]),
      product(random, [1, 9, 8], layout, [
        [1, 3],
        [2, 1],
      ]),
    ]),
  draw(random) {
    const batch = chance(random, 0.6) ? [] : drawShape(random, random.below(3), 6)
    const batches: [Shape, Shape] = [stretchable(random, batch), stretchable(random, batch)]
    return product(
      random,
      productSizes(random, batch.length > 0 ? 4000 : 40_000),
      pick(random, layouts),
      batches,
    )
  },
}

function linear(random: RandomStream, n: number, k: number, m: number): OpCase<'linear'> {
  return { inputs: [spread(random, [n, k]), spread(random, [k, m]), spread(random, [m])], attrs: {} }
}

export const linearCases: OpCases<'linear'> = {
  attrs: {},
  tolerance: 1,
  edges: (random) => [
    linear(random, 1, 1, 1),
    linear(random, 0, 3, 5),
    linear(random, 3, 0, 5),
    linear(random, 3, 5, 0),
    linear(random, 65, 17, 33),
    linear(random, 6, 130, 8),
  ],
  draw: (random) => linear(random, ...productSizes(random, 40_000)),
}

export const globalNormCases: OpCases<'globalNorm'> = {
  attrs: {},
  tolerance: 1,
  edges: (random) => [
    { inputs: [gaussian(random, [])], attrs: {} },
    { inputs: [gaussian(random, [0])], attrs: {} },
    { inputs: [f32Input([9], () => 0), gaussian(random, [0, 3])], attrs: {} },
    // squares that overflow or vanish, alone and beside others, and subnormal numbers
    ...[1e19, 1e38, 1e-25, 1e-37, 1e-40].map((size) => ({
      inputs: [gaussian(random, [128], size)],
      attrs: {},
    })),
    {
      inputs: [gaussian(random, [33], 1e25), gaussian(random, [65], 1e5), gaussian(random, [7], 1e-25)],
      attrs: {},
    },
    { inputs: [gaussian(random, [33], 1e-5), gaussian(random, [65], 1e-25)], attrs: {} },
    { inputs: [f32Input([3], () => -3.4e38)], attrs: {} },
    { inputs: [f32Input([100_003], () => 0.1)], attrs: {} },
    { inputs: [gaussian(random, [33], 1e15), gaussian(random, [3], 1e-15)], attrs: {} },
    { inputs: [gaussian(random, [9]), f32Input([2], () => Infinity)], attrs: {} },
    { inputs: [gaussian(random, [9]), f32Input([2], () => Number.NaN)], attrs: {} },
    { inputs: raggedSizes.map((size) => gaussian(random, [size])), attrs: {} },
  ],
  draw: (random) => ({
    inputs: Array.from({ length: 1 + random.below(5) }, () =>
      spread(random, drawShape(random, random.below(4), 700)),
    ),
    attrs: {},
  }),
}
