// Reaches inside: what is tested here is a part of its package, not an entry point.
import { grad } from '@burgeon/autograd'
import { checkGradient } from '@burgeon/autograd/testing'
import {
  abs,
  add,
  attention,
  type Attrs,
  cos,
  divide,
  erf,
  exp,
  type FusedOpName,
  gelu,
  layerNorm,
  log,
  max,
  maximum,
  mean,
  min,
  minimum,
  multiply,
  negate,
  type OpDefinition,
  type OpName,
  opTable,
  relu,
  rmsNorm,
  runOp,
  scope,
  sigmoid,
  silu,
  sin,
  sizeOf,
  softplus,
  sqrt,
  square,
  subtract,
  sum,
  tanh,
  type Tensor,
  where,
} from '@burgeon/tensor'
import { drawExpression, largestDifference } from '@burgeon/tensor/testing'
import { describe, expect, test } from 'vitest'
import { type DifferentiableOpName, rules } from '../../packages/autograd/src/rules/rule-table.ts'
import { device, Draw } from './draw.ts'

/** One call of an op, as a function of the inputs that it may be differentiated by. */
interface Call<K extends OpName> {
  readonly inputs: readonly Tensor[]
  readonly attrs: Attrs<K>
  /** All inputs of the op, in order, from those above; integers and the like are put in between. */
  readonly all?: (x: readonly Tensor[]) => readonly Tensor[]
}

/** Draws calls of every op with a gradient, away from kinks. The type is exhaustive. */
const calls: { readonly [K in DifferentiableOpName]: (draw: Draw) => Call<K> } = {
  elementwise(draw) {
    const shape = draw.shape()
    const count = draw.between(1, 3)
    const inputs = Array.from({ length: count }, (_, k) =>
      draw.tensor(k === 0 ? shape : draw.stretchable(shape)),
    )
    const expression = drawExpression(draw.random, { inputs: count, scalars: 1, depth: 3, smooth: true })
    return { inputs, attrs: { expression, scalars: [draw.random.normal()], dtype: 'f32' } }
  },
  reduce(draw) {
    const shape = draw.shape()
    const axes = shape.flatMap((_, axis) => (draw.coin() ? [axis] : []))
    return {
      inputs: [draw.tensor(shape)],
      attrs: { kind: draw.pick(['sum', 'max']), axes, keepDims: draw.coin() },
    }
  },
  cumsum(draw) {
    const shape = draw.shape(draw.between(1, 3))
    return {
      inputs: [draw.tensor(shape)],
      attrs: { axis: draw.between(0, shape.length - 1), reverse: draw.coin() },
    }
  },
  sort(draw) {
    const shape = draw.shape(draw.between(1, 3), 4)
    return { inputs: [draw.tensor(shape)], attrs: { descending: draw.coin() } }
  },
  reorder(draw) {
    const shape = draw.shape(draw.between(1, 2), 4)
    const [n] = shape.slice(-1)
    const orders = Array.from({ length: sizeOf(shape) / n }, () => draw.order(n)).flat()
    const indices = device.tensor(orders, { shape, dtype: 'i32' })
    return { inputs: [draw.tensor(shape)], attrs: { inverse: draw.coin() }, all: ([x]) => [x, indices] }
  },
  matmul(draw) {
    const [m, n, k] = draw.shape(3)
    const batch = draw.shape(draw.between(0, 2), 2)
    const [transposeA, transposeB] = [draw.coin(), draw.coin()]
    const a = draw.tensor([...draw.stretchable(batch), ...(transposeA ? [k, m] : [m, k])])
    const b = draw.tensor([...draw.stretchable(batch), ...(transposeB ? [n, k] : [k, n])])
    return { inputs: [a, b], attrs: { transposeA, transposeB } }
  },
  reshape(draw) {
    const [m, n] = draw.shape(2)
    return { inputs: [draw.tensor([m, n])], attrs: { shape: draw.pick([[n, m], [m * n], [1, n, m, 1]]) } }
  },
  permute(draw) {
    const shape = draw.shape()
    return { inputs: [draw.tensor(shape)], attrs: { order: draw.order(shape.length) } }
  },
  broadcast(draw) {
    const shape = draw.shape()
    return { inputs: [draw.tensor(draw.stretchable(shape))], attrs: { shape } }
  },
  slice(draw) {
    const shape = draw.shape()
    const start = shape.map((n) => draw.between(0, n))
    return {
      inputs: [draw.tensor(shape)],
      attrs: { start, stop: shape.map((n, i) => draw.between(start[i], n)) },
    }
  },
  pad(draw) {
    const shape = draw.shape()
    const some = (): number[] => shape.map(() => draw.between(0, 2))
    return { inputs: [draw.tensor(shape)], attrs: { before: some(), after: some() } }
  },
  concatenate(draw) {
    const shape = draw.shape(draw.between(1, 3))
    const axis = draw.between(0, shape.length - 1)
    const inputs = Array.from({ length: draw.between(1, 3) }, () =>
      draw.tensor(shape.with(axis, draw.between(1, 3))),
    )
    return { inputs, attrs: { axis } }
  },
  gather(draw) {
    const table = draw.tensor([draw.between(1, 4), ...draw.shape(draw.between(0, 2))])
    const ids = draw.integers(draw.shape(draw.between(0, 2)), 0, table.shape[0] - 1)
    return { inputs: [table], attrs: {}, all: ([x]) => [x, ids] }
  },
  scatterAdd(draw) {
    const rows = draw.between(1, 4)
    const shape = draw.shape(draw.between(0, 2))
    const ids = draw.integers(shape, 0, rows - 1)
    const values = draw.tensor([...shape, ...draw.shape(draw.between(0, 2))])
    return { inputs: [values], attrs: { rows }, all: ([x]) => [ids, x] }
  },
  linear(draw) {
    const [n, k, m] = draw.shape(3)
    return { inputs: [draw.tensor([n, k]), draw.tensor([k, m]), draw.tensor([m])], attrs: {} }
  },
  layerNorm(draw) {
    const c = draw.between(2, 4)
    const x = draw.tensor([...draw.shape(draw.between(0, 2)), c])
    return { inputs: [x, draw.tensor([c]), draw.tensor([c])], attrs: { epsilon: 0.1 } }
  },
  layerNormGrad(draw) {
    const c = draw.between(2, 4)
    const rows = draw.shape(draw.between(0, 2))
    const [dy, x, gain] = [draw.tensor([...rows, c]), draw.tensor([...rows, c]), draw.tensor([c])]
    // These are arguments like any other: the gradient holds for whatever they are.
    return { inputs: [dy, x, gain, draw.tensor([...rows, 1]), draw.tensor([...rows, 1])], attrs: {} }
  },
  rmsNorm(draw) {
    const c = draw.between(1, 4)
    const x = draw.tensor([...draw.shape(draw.between(0, 2)), c])
    return { inputs: [x, draw.tensor([c])], attrs: { epsilon: 0.1, width: draw.between(1, 6) } }
  },
  rmsNormGrad(draw) {
    const c = draw.between(1, 4)
    const rows = draw.shape(draw.between(0, 2))
    const [dy, x, gain] = [draw.tensor([...rows, c]), draw.tensor([...rows, c]), draw.tensor([c])]
    return { inputs: [dy, x, gain, draw.tensor([...rows, 1])], attrs: { width: draw.between(1, 6) } }
  },
  attention(draw) {
    const { q, k, v, attrs } = attended(draw)
    return { inputs: [q, k, v], attrs }
  },
  attentionGrad(draw) {
    const { q, k, v, attrs } = attended(draw)
    const [b, t, h] = q.shape
    return { inputs: [draw.tensor(q.shape), q, k, v, draw.tensor(q.shape), draw.tensor([b, h, t])], attrs }
  },
  crossEntropy(draw) {
    const [n, v] = [draw.between(1, 3), draw.between(1, 4)]
    const targets = draw.integers([n], -1, v - 1)
    return { inputs: [draw.tensor([n, v])], attrs: {}, all: ([logits]) => [logits, targets] }
  },
  crossEntropyGrad(draw) {
    const [n, v] = [draw.between(1, 3), draw.between(1, 4)]
    const targets = draw.integers([n], -1, v - 1)
    const inputs = [draw.tensor([n]), draw.tensor([n, v]), draw.tensor([n])]
    return { inputs, attrs: {}, all: ([dy, logits, lse]) => [dy, logits, targets, lse] }
  },
  linearCrossEntropy(draw) {
    const [n, c, v] = [draw.between(1, 3), draw.between(1, 3), draw.between(1, 4)]
    const targets = draw.integers([n], -1, v - 1)
    return { inputs: [draw.tensor([n, c]), draw.tensor([v, c])], attrs: {}, all: ([x, w]) => [x, w, targets] }
  },
  linearCrossEntropyGrad(draw) {
    const [n, c, v] = [draw.between(1, 3), draw.between(1, 3), draw.between(1, 4)]
    const targets = draw.integers([n], -1, v - 1)
    const inputs = [draw.tensor([n]), draw.tensor([n, c], 0.5), draw.tensor([v, c], 0.5), draw.tensor([n])]
    return { inputs, attrs: {}, all: ([dy, x, w, lse]) => [dy, x, w, targets, lse] }
  },
  globalNorm(draw) {
    const inputs = Array.from({ length: draw.between(1, 3) }, () => draw.tensor(draw.shape()))
    return { inputs, attrs: {} }
  },
}

function attended(draw: Draw): { q: Tensor; k: Tensor; v: Tensor; attrs: Attrs<'attention'> } {
  const [b, t, d, g] = [draw.between(1, 2), draw.between(1, 3), draw.between(1, 2), draw.between(1, 2)]
  const h = g * draw.between(1, 2)
  const causal = draw.coin(0.7)
  const keys = causal ? t + draw.between(0, 1) : draw.between(1, 3)
  const room = [b, keys + draw.between(0, 1), g, d]
  return {
    q: draw.tensor([b, t, h, d]),
    k: draw.tensor(room),
    v: draw.tensor(room),
    attrs: { scale: 0.7, causal, keys },
  }
}

/** A number that bends with every element of every tensor, so that first and second gradients differ everywhere. */
function bent(draw: Draw, tensors: readonly Tensor[]): () => (y: readonly Tensor[]) => Tensor {
  const weights = tensors.map((y) => [draw.tensor(y.shape), draw.tensor(y.shape)] as const)
  return () => (y) =>
    y
      .map((x, i) => sum(multiply(x, add(weights[i][0], multiply(x, weights[i][1])))))
      .reduce((a, b) => add(a, b))
}

/** The op as a scalar function of its differentiable inputs; some calls read all outputs, some only the first. */
function asFunction(op: OpName, call: Call<OpName>, draw: Draw): (...x: Tensor[]) => Tensor {
  const outputsOf = (x: readonly Tensor[]): readonly Tensor[] => {
    const outputs = runOp(op, call.all?.(x) ?? x, call.attrs as never)
    return count === undefined ? outputs : outputs.slice(0, count)
  }
  const count: number | undefined = draw.coin() ? 1 : undefined
  const head = bent(draw, outputsOf(call.inputs))()
  return (...x) => head(outputsOf(x))
}

const differentiable = Object.keys(calls) as DifferentiableOpName[]

describe.each(differentiable)('the gradient of %s', (op) => {
  const draws = op.startsWith('attention') ? 8 : 25
  const each = (check: (f: (...x: Tensor[]) => Tensor, call: Call<OpName>) => void): void => {
    for (let seed = 1; seed <= draws; seed++) {
      scope(() => {
        const draw = new Draw(seed)
        const call = calls[op](draw)
        check(asFunction(op, call, draw), call)
      })
    }
  }
  test('agrees with finite differences', () => {
    each((f, { inputs }) => expect(checkGradient(f, inputs).error).toBeLessThan(1e-7))
  })
  test('has a gradient of its own that agrees with finite differences', () => {
    each((f, { inputs }) => expect(checkGradient(f, inputs, { order: 2 }).error).toBeLessThan(1e-6))
  })
})

describe('a fused op', () => {
  const fused = differentiable.filter(
    (op) => (opTable[op] as OpDefinition<unknown>).definition,
  ) as (FusedOpName & DifferentiableOpName)[]
  test.each(fused)('%s has the same gradient as its definition', (op) => {
    const { definition } = opTable[op] as unknown as Required<OpDefinition<unknown>>
    for (let seed = 1; seed <= 20; seed++) {
      scope(() => {
        const draw = new Draw(seed)
        const call = calls[op](draw)
        const all = (x: readonly Tensor[]): readonly Tensor[] => call.all?.(x) ?? x
        const outputs = definition(all(call.inputs), call.attrs)
        for (const first of outputs.map((_, i) => i)) {
          const head = bent(draw, outputs.slice(first, first + 1))()
          const gradients = (run_: (x: readonly Tensor[]) => readonly Tensor[]): readonly Tensor[] =>
            grad((x: readonly Tensor[]) => head(run_(x).slice(first, first + 1)))(call.inputs)
          const whole = gradients((x) => runOp(op, all(x), call.attrs as never))
          const parts = gradients((x) => definition(all(x), call.attrs))
          whole.forEach((gradient, i) => {
            expect(largestDifference(gradient.readSync(), parts[i].readSync())).toBeLessThan(1e-12)
          })
        }
      })
    }
  })
  test('counts a tensor that it is given twice twice, not four times', () => {
    scope(() => {
      const draw = new Draw(5)
      const [x, c] = [draw.tensor([1, 3, 2, 2]), draw.tensor([3])]
      const functions: readonly [(x: Tensor) => Tensor, Tensor][] = [
        [(y) => sum(square(attention(y, y, y))), x],
        [(y) => sum(square(rmsNorm(y, y))), c],
        [(y) => sum(square(layerNorm(y, y, y))), c],
        [(y) => runOp('globalNorm', [y, y], {})[0], c],
      ]
      for (const [f, at] of functions) {
        expect(checkGradient(f, [at]).error).toBeLessThan(1e-7)
        expect(checkGradient(f, [at], { order: 2 }).error).toBeLessThan(1e-6)
      }
    })
  })
})

describe('the functions of one and two numbers', () => {
  const anywhere = [-3, 3] as const
  const positive = [0.3, 3] as const
  const unaries: Record<string, readonly [(x: Tensor) => Tensor, readonly [number, number]]> = {
    negate: [negate, anywhere],
    abs: [abs, positive],
    exp: [exp, anywhere],
    log: [log, positive],
    sqrt: [sqrt, positive],
    tanh: [tanh, anywhere],
    erf: [erf, anywhere],
    sin: [sin, anywhere],
    cos: [cos, anywhere],
    square: [square, anywhere],
    sigmoid: [sigmoid, anywhere],
    relu: [relu, positive],
    softplus: [softplus, anywhere],
    silu: [silu, anywhere],
    gelu: [gelu, anywhere],
    mean: [(x) => multiply(mean(x), mean(x)), anywhere],
    'max and min': [(x) => multiply(max(x), min(x)), anywhere],
  }
  test.each(Object.entries(unaries))(
    '%s: first and second gradients are those of finite differences',
    (_, [f, [low, high]]) => {
      for (const seed of [1, 2, 3, 4, 5]) {
        scope(() => {
          const draw = new Draw(seed)
          const x = draw.uniform(draw.shape(), low, high)
          const bend = (y: Tensor): Tensor => sum(multiply(f(y), add(f(y), 1)))
          expect(checkGradient(bend, [x]).error).toBeLessThan(1e-7)
          expect(checkGradient(bend, [x], { order: 2 }).error).toBeLessThan(1e-6)
        })
      }
    },
  )
  const binaries = {
    add,
    subtract,
    multiply,
    divide,
    maximum,
    minimum,
    where: (a: Tensor, b: Tensor) => where(a, square(b), a),
  }
  test.each(Object.entries(binaries))('%s: the same, for every way of broadcasting', (_, f) => {
    for (let seed = 1; seed <= 12; seed++) {
      scope(() => {
        const draw = new Draw(seed)
        const shape = draw.shape()
        // One is broadcast to the other, or each along other axes.
        const [a, b] = draw.coin()
          ? [draw.stretchable(shape), shape]
          : [shape.map((n, i) => (i % 2 === 0 ? 1 : n)), shape.map((n, i) => (i % 2 === 0 ? n : 1))]
        const inputs = [draw.uniform(a, 0.5, 2), draw.uniform(b, 2.5, 4)]
        const bend = (x: Tensor, y: Tensor): Tensor => sum(multiply(f(x, y), add(f(x, y), 1)))
        expect(checkGradient(bend, inputs).error).toBeLessThan(1e-7)
        expect(checkGradient(bend, inputs, { order: 2 }).error).toBeLessThan(1e-6)
      })
    }
  })
  test.each(Object.entries({ sigmoid, silu, softplus, gelu, tanh, erf }))(
    '%s has finite gradients far from 0 and right ones at 0',
    (_, f) => {
      scope(() => {
        const draw = new Draw(3)
        const far = draw.tensor([1], 0)
        const at = (x: Tensor): number[] => {
          const first = (y: Tensor): Tensor => grad((z: Tensor) => sum(f(z)))(y)
          return [...first(x).readSync(), ...grad((y: Tensor) => sum(first(y)))(x).readSync()]
        }
        for (const x of [-1000, -100, 100, 1000]) expect(at(add(far, x)).every(Number.isFinite)).toBe(true)
        const zero = multiply(far, 0)
        expect(checkGradient((y) => sum(f(y)), [zero]).error).toBeLessThan(1e-7)
        expect(checkGradient((y) => sum(grad((z: Tensor) => sum(f(z)))(y)), [zero]).error).toBeLessThan(1e-5)
      })
    },
  )
  test('share the gradient of a maximum equally among the largest', () => {
    scope(() => {
      const x = multiply(add(new Draw(1).tensor([4], 0), 1), 2)
      expect([...grad((y: Tensor) => max(y))(x).readSync()]).toEqual([0.25, 0.25, 0.25, 0.25])
    })
  })
})

test('the table of rules must have a row for every op, and no other', () => {
  const { matmul: _, ...incomplete } = rules
  // @ts-expect-error A table without a row for matmul does not compile.
  const table: typeof rules = incomplete
  // @ts-expect-error Nor does one with a row for an op that does not exist.
  const row: keyof typeof rules = 'convolve'
  expect(Object.keys(rules).toSorted()).toEqual(Object.keys(opTable).toSorted())
  expect(row in table).toBe(false)
})
