// Reaches inside: what is tested here is a part of its package, not an entry point.
import {
  argmax,
  BurgeonError,
  broadcastTo,
  concatenate,
  crossEntropy,
  attention,
  elementwise,
  expression,
  fill,
  gather,
  globalNorm,
  iota,
  keyFromSeed,
  layerNorm,
  linear,
  matmul,
  max,
  type OpDefinition,
  OptionError,
  type OpName,
  opTable,
  pad,
  permute,
  RandomStream,
  reshape,
  rmsNorm,
  runOp,
  scatterAdd,
  scope,
  ShapeError,
  slice,
  sum,
  type Tensor,
  tensor,
  transpose,
  adamwUpdate,
  addInto,
  assign,
  add,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { type OpCase, type OpCases, opCases } from '@burgeon/tensor/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { broadcastShapes, broadcastStrides, sizeOf } from '../../packages/tensor/src/shape.ts'

const device = openReference()
const ops = Object.keys(opTable) as OpName[]
const definitionOf = (op: OpName): OpDefinition<unknown> => opTable[op]
const ids = (...shape: number[]): Tensor => fill(device, shape, 0, 'i32')
const x = (...shape: number[]): Tensor => fill(device, shape, 1)

function someCases(op: OpName): OpCase<OpName>[] {
  const cases = opCases[op] as OpCases<OpName>
  const random = new RandomStream(keyFromSeed(3))
  return [...cases.edges(random), ...Array.from({ length: 20 }, () => cases.draw(random))]
}

describe.each(ops)('%s', (op) => {
  const definition = definitionOf(op)
  const cases = someCases(op)

  test('has the outputs that its shape inference predicts', () => {
    for (const { inputs, attrs } of cases) {
      const all = { ...attrs, device }
      const foretold = definition.infer(inputs, all)
      scope(() => {
        const tensors = inputs.map(({ data, shape, dtype }) => device.tensor(data, { shape, dtype }))
        const outputs = runOp(op, tensors, all as never)
        expect(outputs.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(foretold)
      })
      const flops = definition.flops(inputs, foretold, all)
      expect(Number.isSafeInteger(flops) && flops >= 0).toBe(true)
    }
  })
  test('names the inputs it takes when it gets fewer, more, or the wrong element type', () => {
    const { inputs, attrs } = cases[0]
    const { takes } = definition
    const refuses = (given: readonly unknown[]): void => {
      const infer = (): unknown => definition.infer(given as never, { ...attrs, device })
      expect(infer).toThrow(ShapeError)
      expect(infer).toThrow(new RegExp(`^${op}: got .*; expected `))
    }
    if (takes === 'several') {
      refuses([])
      return
    }
    for (let few = 0; few < inputs.length; few++) refuses(inputs.slice(0, few))
    refuses([...inputs, { shape: [], dtype: 'f32' }])
    for (const [i, dtype] of Object.values(takes).entries()) {
      if (dtype !== 'any') refuses(inputs.with(i, { ...inputs[i], dtype: dtype === 'f32' ? 'i32' : 'f32' }))
    }
  })
})

describe('errors', () => {
  const q = x(1, 3, 4, 2)
  const wrongCalls: readonly [() => unknown, string, (new (message: string) => BurgeonError)?][] = [
    [() => add(x(2, 3), x(2)), 'add: shapes do not broadcast. Got [2, 3] and [2]; expected sizes'],
    [
      () => elementwise(expression.input(1), [x(2)]),
      'elementwise: the expression reads input 1. Got 1 inputs; expected at least one more.',
      OptionError,
    ],
    [
      () => elementwise(expression.add(expression.input(0), expression.input(3)), [x(2), x(2)]),
      'reads input 3',
      OptionError,
    ],
    [() => elementwise(expression.scalar(0), [x(2)]), 'reads scalar 0. Got 0 scalars', OptionError],
    [
      () => sum(x(2, 3), { axes: [2] }),
      'sum: axes do not fit. Got [2] for a tensor of rank 2; expected distinct integers from -2 to 1.',
    ],
    [() => max(x(2, 3), { axes: [0, -2] }), 'max: axes do not fit. Got [0, -2]'],
    [
      () => runOp('reduce', [x(2, 3)], { kind: 'sum', axes: [1, 0], keepDims: false }),
      'reduce: got axes [1, 0]; expected them sorted',
    ],
    [
      () => argmax(x()),
      'argmax: got f32[] and axis -1; expected f32 with at least one element along that axis.',
    ],
    [() => argmax(x(3, 0)), 'argmax: got f32[3, 0] and axis -1; expected f32 with at least one element'],
    [
      () => matmul(x(2, 3), x(4, 5)),
      'matmul: inner sizes differ. Got a[2, 3] and b[4, 5]; expected b to have 3 rows. Transpose b?',
    ],
    [
      () => matmul(x(2, 3), x(4, 5), { transposeB: true }),
      'Got a[2, 3] and b[4, 5]ᵀ; expected b to have 3 columns.',
    ],
    [() => matmul(x(3), x(3, 5)), 'matmul: Got a[3] and b[3, 5]; expected two matrices'],
    [() => matmul(x(2, 4, 3), x(5, 3, 4)), 'matmul: shapes do not broadcast. Got [2] and [5]'],
    [() => matmul(ids(2, 2), x(2, 2)), 'matmul: got i32[2, 2], f32[2, 2]; expected a f32, b f32.'],
    [() => reshape(x(2, 3), [4]), 'reshape: sizes differ. Got [2, 3] (6 elements) and asked for [4] (4)'],
    [() => reshape(x(2, 3), [4, -1]), 'reshape: got [2, 3] and asked for [4, -1]; expected one −1 at most'],
    [() => reshape(x(1), [-1, -1]), 'reshape: got [1] and asked for [-1, -1]; expected one −1 at most'],
    [() => reshape(x(0, 3), [0, -1]), 'reshape: got [0, 3] and asked for [0, -1]'],
    [() => reshape(x(6), [-2, -3]), 'reshape: not a shape. Got [-2, -3]'],
    [() => reshape(x(6), [1.5, 4]), 'reshape: not a shape. Got [1.5, 4]'],
    [
      () => permute(x(2, 3), [0, 0]),
      'permute: got order [0, 0] for [2, 3]; expected every axis exactly once.',
    ],
    [() => transpose(x(2)), 'transpose: got [2]; expected rank 2 or more.'],
    [() => broadcastTo(x(3), [2]), 'broadcast: shapes do not broadcast. Got [3] and [2]'],
    [
      () => broadcastTo(x(2, 3), [3]),
      'broadcast: got [2, 3] and asked for [3]; expected a shape it can stretch to.',
    ],
    [
      () => slice(x(2, 3), [0, 2], [2, 1]),
      'slice: got [0, 2] to [2, 1] of [2, 3]; expected integers with 0 ≤ start ≤ stop ≤ size',
    ],
    [() => slice(x(4), [0.5], [2]), 'slice: got [0.5] to [2] of [4]'],
    [() => slice(x(4), [-1]), 'slice: got [-1] to [4] of [4]'],
    [
      () => pad(x(2), [1], [-1]),
      'pad: got [1] and [-1] for [2]; expected one non-negative integer per axis in each.',
    ],
    [
      () => concatenate([x(2, 3), x(2, 4)]),
      'concatenate: got f32[2, 3], f32[2, 4] along axis 0; expected one element type',
    ],
    [() => concatenate([x(2), ids(2)]), 'concatenate: got f32[2], i32[2]'],
    [() => concatenate([]), 'concatenate: got no tensor; expected at least one.'],
    [() => runOp('concatenate', [x(2)], { axis: 1 }), 'concatenate: axes do not fit.'],
    [() => gather(x(), ids(2)), 'gather: got table [] and ids i32[2]; expected a table [V, ...]'],
    [() => gather(x(3), x(2)), 'gather: got f32[3], f32[2]; expected table, ids i32.'],
    [
      () => scatterAdd(ids(2), x(3, 4), 5),
      'scatterAdd: got ids i32[2] and values [3, 4]; expected i32 ids and values',
    ],
    [() => scatterAdd(ids(2), x(2, 4), -1), 'scatterAdd: not a shape. Got [-1, 4]'],
    [() => fill(device, [2, -1], 0), 'fill: not a shape. Got [2, -1]'],
    [() => fill(device, [2 ** 16, 2 ** 15], 0), 'fill: not a shape. Got [65536, 32768]'],
    [() => iota(device, 1.5), 'iota: not a shape. Got [1.5]'],
    [
      () => assign(x(3), x(2), [2]),
      'assign: got source f32[2] at [2] of target f32[3]; expected it to fit inside',
    ],
    [() => assign(x(3), ids(2)), 'assign: got source i32[2] at [0] of target f32[3]'],
    [() => assign(x(3), x(1), [0.5]), 'assign: got source f32[1] at [0.5]'],
    [() => addInto(x(3), x(2, 2)), 'assign: got source f32[2, 2] at [0] of target f32[3]'],
    [
      () => linear(x(2, 3), x(4, 5), x(5)),
      'linear: shapes do not fit. Got x[2, 3], W[4, 5] and b[5]; expected x[N, K], W[K, M] and b[M].',
    ],
    [
      () => layerNorm(x(2, 3), x(2), x(3)),
      'layerNorm: got x[2, 3] and gain[2]; expected x[…, C] with C ≥ 1 and gain[C].',
    ],
    [() => layerNorm(x(2, 3), x(3), x(3, 1)), 'layerNorm: got x[2, 3] and bias[3, 1]'],
    [() => rmsNorm(x(2, 0), x(0)), 'rmsNorm: got x[2, 0] and gain[0]; expected x[…, C] with C ≥ 1'],
    [() => rmsNorm(x(), x(1)), 'rmsNorm: got x[] and gain[1]'],
    [
      () => runOp('layerNormGrad', [x(3), x(2, 3), x(3), x(2, 1), x(2, 1)], {}),
      'layerNormGrad: got dy[3] and mean[2, 1] for x[2, 3]',
    ],
    [
      () => runOp('layerNormGrad', [x(2, 3), x(2, 3), x(3), x(2, 1), x(2)], {}),
      'layerNormGrad: got dy[2, 3] and rstd[2]',
    ],
    [
      () => runOp('rmsNormGrad', [x(2, 3), x(2, 3), x(3), x(2, 3)], {}),
      'rmsNormGrad: got dy[2, 3] and rrms[2, 3] for x[2, 3]; expected dy[2, 3] and rrms[2, 1].',
    ],
    [
      () => attention(q, x(1, 3, 3, 2), x(1, 3, 3, 2)),
      'attention: got q[1, 3, 4, 2], k[1, 3, 3, 2], v[1, 3, 3, 2]; expected q[B, T, H, D]',
    ],
    [() => attention(q, x(1, 3, 2, 2), x(1, 3, 4, 2)), 'attention: got q[1, 3, 4, 2]'],
    [
      () => attention(q, x(1, 2, 2, 2), x(1, 2, 2, 2)),
      'attention: got keys = 2 for 3 queries and room for 2 keys; expected an integer from 3 to 2.',
      OptionError,
    ],
    [
      () => attention(q, q, q, { keys: 4 }),
      'attention: got keys = 4 for 3 queries and room for 3 keys; expected an integer from 3 to 3.',
      OptionError,
    ],
    [() => attention(q, q, q, { keys: 0, causal: false }), 'expected an integer from 1 to 3.', OptionError],
    [() => attention(q, q, q, { keys: 1.5, causal: false }), 'attention: got keys = 1.5', OptionError],
    [
      () =>
        runOp('attentionGrad', [x(1, 3, 4, 1), q, q, q, q, x(1, 4, 3)], { scale: 1, causal: true, keys: 3 }),
      'attentionGrad: got dO[1, 3, 4, 1], o[1, 3, 4, 2] and lse[1, 4, 3]; expected dO and o like q[1, 3, 4, 2], and lse[1, 4, 3].',
    ],
    [
      () => crossEntropy(x(2, 3), ids(3)),
      'crossEntropy: got logits [2, 3] and targets i32[3]; expected logits f32[N, V] with V ≥ 1 and targets i32[N].',
    ],
    [() => crossEntropy(x(2, 0), ids(2)), 'crossEntropy: got logits [2, 0]'],
    [
      () => crossEntropy(x(2, 3), x(2)),
      'crossEntropy: got f32[2, 3], f32[2]; expected logits f32, targets i32.',
    ],
    [
      () => runOp('crossEntropyGrad', [x(3), x(2, 3), ids(2), x(2)], {}),
      'crossEntropyGrad: got dlosses [3] and logSumExp [2]',
    ],
    [
      () =>
        adamwUpdate(x(2), x(3), x(2), x(2), {
          learningRate: 1,
          beta1: 0.9,
          beta2: 0.9,
          epsilon: 1,
          weightDecay: 0,
          step: 1,
        }),
      'adamw: got [2], [3], [2], [2]; expected parameter, gradient and both moments to have one shape. Was the optimizer left out of a growth plan?',
    ],
    [() => globalNorm([x(2), ids(2)]), 'globalNorm: got i32[2]; expected f32 tensors.'],
    [
      () => tensor([1, 2, 3], { shape: [2, 2], device }),
      'tensor: got 3 numbers for shape [2, 2]; expected 4.',
    ],
    [() => x(2).item(), 'item: got a tensor [2]; expected exactly one element. Use read().'],
  ]
  test.each(wrongCalls)(
    '%# name the op, what came and what was expected',
    (call, message, kind = ShapeError) => {
      expect(call).toThrow(kind)
      expect(call).toThrow(message)
    },
  )
  test('leave no buffer behind', () => {
    scope(() => {
      for (const [call] of wrongCalls) {
        const { buffers } = device.memory
        expect(() => scope(call)).toThrow(BurgeonError)
        expect(device.memory.buffers).toBe(buffers)
      }
    })
  })
})

describe('broadcasting', () => {
  const anyShape = fc.array(fc.constantFrom(0, 1, 1, 2, 3), { maxLength: 4 })

  test('follows the rule of NumPy, whatever the order of the shapes', () => {
    fc.assert(
      fc.property(anyShape, anyShape, (a, b) => {
        const rank = Math.max(a.length, b.length)
        const at = (shape: readonly number[], i: number): number => shape[i - rank + shape.length] ?? 1
        const pairs = Array.from({ length: rank }, (_, i) => [at(a, i), at(b, i)] as const)
        if (pairs.every(([m, n]) => m === n || m === 1 || n === 1)) {
          const expected = pairs.map(([m, n]) => (m === 1 ? n : m))
          expect(broadcastShapes('op', [a, b])).toEqual(expected)
          expect(broadcastShapes('op', [b, a])).toEqual(expected)
        } else {
          expect(() => broadcastShapes('op', [a, b])).toThrow(ShapeError)
        }
      }),
    )
  })
  test('reads every element of the smaller tensor where it repeats', () => {
    fc.assert(
      fc.property(anyShape, fc.infiniteStream(fc.boolean()), (to, coins) => {
        const from = to.map((n) => (coins.next().value ? 1 : n))
        const strides = broadcastStrides(from, to)
        const offsets = new Set<number>()
        for (let i = 0; i < sizeOf(to); i++) {
          let [rest, at] = [i, 0]
          for (let d = to.length - 1; d >= 0; d--) {
            at += (rest % to[d]) * strides[d]
            rest = Math.floor(rest / to[d])
          }
          offsets.add(at)
        }
        expect(offsets.size).toBe(sizeOf(to) === 0 ? 0 : sizeOf(from))
      }),
    )
  })
})
