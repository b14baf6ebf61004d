import {
  grad,
  NotDifferentiableError,
  sumOfAbsoluteGradients,
  sumOfSquaredGradients,
} from '@burgeon/autograd'
import {
  abs,
  add,
  attention,
  broadcastTo,
  checkpoint,
  concatenate,
  crossEntropy,
  cumsum,
  type Device,
  gather,
  iota,
  layerNorm,
  linear,
  linearCrossEntropy,
  matmul,
  max,
  mean,
  multiply,
  OptionError,
  pad,
  permute,
  reorder,
  reshape,
  scatterAdd,
  type Shape,
  scope,
  ShapeError,
  slice,
  sort,
  square,
  subtract,
  sum,
  tanh,
  type Tensor,
  type TensorsByPath,
  topK,
} from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, modelOf, tokensFor } from '../growth/tiny-model.ts'
import { device, Draw } from './draw.ts'

/** Largest difference, as a share of the largest number; squares of what is but rounding count for little. */
function apart(got: Tensor, expected: Tensor): number {
  const [a, b] = [got, expected].map((tensor) => Float64Array.from(tensor.readSync()))
  const most = b.reduce((largest, x) => Math.max(largest, Math.abs(x)), 1e-8)
  return a.reduce((largest, x, i) => Math.max(largest, Math.abs(x - b[i])), 0) / most
}

/** Σₙ of squared gradients, or of another function of them, one example after the other. */
function oneByOne(
  f: (w: TensorsByPath, n: number) => Tensor,
  weights: TensorsByPath,
  examples: number,
  of: (gradient: Tensor) => Tensor = square,
): TensorsByPath {
  let total: TensorsByPath | undefined
  for (let n = 0; n < examples; n++) {
    const gradients = grad((w: TensorsByPath) => f(w, n))(weights)
    const own = Object.entries(gradients).map(([path, gradient]) => [
      path,
      total === undefined ? of(gradient) : add(total[path], of(gradient)),
    ])
    total = Object.fromEntries(own)
  }
  return total as TensorsByPath
}

const row = (tensor: Tensor, n: number): Tensor => slice(tensor, [n], [n + 1])

describe.each([
  ['the reference', device, 1e-10],
  ['WASM', openWasm({ threads: 1 }), 1e-5],
] as const)('for models drawn at random, on %s', (_, on: Device, tolerance) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    'squares and absolute values are those of the gradients of each sequence alone (seed %d)',
    (seed) => {
      scope(() => {
        const random = drawFrom(seed)
        const model = modelOf(drawConfig(random), random, on)
        const examples = 1 + (seed % 4)
        const tokens = tokensFor(model, random, examples)
        const weights = model.parameters.tensors()
        const targets = reshape(tokens, [tokens.size])
        const loss = (w: TensorsByPath, ids: Tensor, next: Tensor): Tensor =>
          sum(crossEntropy(model.forward(ids, w), next))
        const one = (w: TensorsByPath, n: number): Tensor =>
          loss(w, row(tokens, n), reshape(row(tokens, n), [tokens.shape[1]]))
        const expected = oneByOne(one, weights, examples)
        const expectedSizes = oneByOne(one, weights, examples, abs)
        const whole = (w: TensorsByPath): Tensor => loss(w, tokens, targets)
        for (const numbersAtOnce of [2 ** 22, 1, 50]) {
          const { value, squares } = sumOfSquaredGradients(whole, { examples, numbersAtOnce })(weights)
          expect(apart(value, whole(weights))).toBeLessThan(tolerance)
          for (const path of Object.keys(weights)) {
            expect(apart(squares[path], expected[path]), path).toBeLessThan(tolerance)
          }
          const { magnitudes } = sumOfAbsoluteGradients(whole, { examples, numbersAtOnce })(weights)
          for (const path of Object.keys(weights)) {
            expect(apart(magnitudes[path], expectedSizes[path]), path).toBeLessThan(tolerance)
          }
        }
        model.dispose()
      })
    },
  )
})

type Case = readonly [
  weights: Readonly<Record<string, Shape>>,
  data: readonly (Shape | { readonly ids: Shape; readonly below: number })[],
  loss: (w: TensorsByPath, x: readonly Tensor[]) => Tensor,
]

const B = 3
/** What can happen to weights and data; every tensor of data has its examples along the first axis. */
const cases: Readonly<Record<string, Case>> = {
  'a formula of weights and data, broadcast in every way': [
    { a: [2], b: [4, 1], c: [1, 4, 2], d: [] },
    [[B, 4, 2]],
    (w, [x]) => sum(tanh(multiply(add(multiply(x, w.a), w.b), add(w.c, w.d)))),
  ],
  'weights that are broadcast to the size of the data first': [
    { a: [1, 2], b: [2] },
    [[B * 2, 2]],
    (w, [x]) => sum(tanh(multiply(broadcastTo(w.a, x.shape), add(x, broadcastTo(w.b, [1, 2]))))),
  ],
  'weights made of other weights': [
    { a: [2, 3], b: [3, 4], c: [2, 4] },
    [[B * 2, 2]],
    (w, [x]) => sum(tanh(matmul(x, add(tanh(matmul(w.a, w.b)), multiply(w.c, w.c))))),
  ],
  'weights that are cut, padded, joined, turned and repeated': [
    { a: [2, 3], b: [2, 1] },
    [[B * 2, 4]],
    (w, [x]) => {
      const joined = concatenate([w.a, w.b], 1) // [2, 4]
      const padded = pad(slice(joined, [0, 1]), [0, 1], [0, 0])
      const square_ = broadcastTo(reshape(permute(add(padded, joined), [1, 0]), [1, 4, 2]), [2, 4, 2])
      return sum(tanh(matmul(x, sum(square_, { axes: [0] }))))
    },
  ],
  'weights that are normalized, looked up and added up': [
    { table: [4, 3], gain: [3], bias: [3] },
    [[B * 2, 3]],
    (w, [x]) => {
      const normal = layerNorm(w.table, w.gain, w.bias)
      const ids = device.tensor([2, 0, 2], { shape: [3], dtype: 'i32' })
      const mixed = scatterAdd(ids, gather(normal, ids), 3) // [3, 3]
      return sum(tanh(multiply(matmul(x, mixed), max(gather(normal, ids), { axes: [0] }))))
    },
  ],
  'weights that are summed up and put in order, and data likewise': [
    { w: [3, 4], order: [3, 4] },
    [[B * 2, 3]],
    (w, [x]) => {
      const sums = cumsum(sort(w.w, 1, { descending: true }).values, 0)
      const mixed = reorder(sums, sort(w.order).indices)
      return sum(tanh(cumsum(topK(matmul(x, add(mixed, w.order)), 3).values, 1, { reverse: true })))
    },
  ],
  'positions by index': [
    { table: [B * 2, 3] },
    [[B, B * 2, 3]],
    (w, [x]) => sum(tanh(add(x, gather(w.table, iota(device, B * 2))))),
  ],
  'a layer between norms': [
    { w: [3, 4], b: [4], gain: [4], bias: [4] },
    [[B, 2, 3]],
    (w, [x]) => {
      const y = linear(reshape(x, [-1, 3]), w.w, w.b)
      return sum(tanh(layerNorm(reshape(y, [-1, 2, 4]), w.gain, w.bias)))
    },
  ],
  'products of every form': [
    { left: [2, 3], right: [4, 2], batched: [1, 2, 2], flipped: [2, 2] },
    [[B, 3, 4]],
    (w, [x]) => {
      const y = matmul(matmul(w.left, x), w.right) // [B, 2, 2]
      const z = matmul(y, matmul(w.batched, y, { transposeA: true }), { transposeB: true })
      return sum(tanh(matmul(w.flipped, z, { transposeA: true, transposeB: true })))
    },
  ],
  'attention and what is picked from its heads': [
    { w: [2, 12], b: [12] },
    [[B, 3, 2]],
    (w, [x]) => {
      const all = reshape(linear(reshape(x, [-1, 2]), w.w, w.b), [-1, 3, 6, 2])
      const [q, k, v] = [0, 2, 4].map((at) => slice(all, [0, 0, at, 0], [all.shape[0], 3, at + 2, 2]))
      return sum(square(permute(attention(q, k, v), [0, 2, 1, 3])))
    },
  ],
  'one table for the embedding and a head without logits': [
    { table: [5, 3] },
    [
      { ids: [B, 2], below: 5 },
      { ids: [B * 2], below: 5 },
    ],
    (w, [tokens, targets]) =>
      sum(linearCrossEntropy(tanh(reshape(gather(w.table, tokens), [-1, 3])), w.table, targets)),
  ],
  'data that is joined, padded and looked up': [
    { w: [3, 2] },
    [[B, 3], { ids: [B], below: 3 }],
    (w, [x, ids]) => {
      const both = concatenate([matmul(x, w.w), gather(w.w, ids)], 1)
      return sum(tanh(max(pad(both, [0, 1], [0, 0]), { axes: [1] })))
    },
  ],
  'bodies that are run again, with weights and data, with weights alone, and of the sum': [
    { a: [2, 3], b: [3, 2], c: [2] },
    [[B * 2, 2]],
    (w, [x]) => {
      const product = checkpoint(() => scope(() => tanh(matmul(w.a, w.b))))
      const y = checkpoint(() => scope(() => tanh(add(matmul(tanh(matmul(x, product)), w.a), 1))))
      return checkpoint(() => multiply(sum(square(matmul(y, multiply(w.b, w.c)))), 2))
    },
  ],
  'two losses, each a mean': [
    { w: [3, 2], unused: [2] },
    [[B * 2, 3]],
    (w, [x]) => {
      const y = matmul(x, w.w)
      const share = x.shape[0] / (B * 2)
      return multiply(add(mean(square(y)), reshape(mean(tanh(y)), [])), share)
    },
  ],
}

test.each(Object.entries(cases))('%s: as one example at a time', (_, [shapes, data, loss]) => {
  for (const seed of [1, 2, 3]) {
    scope(() => {
      const draw = new Draw(seed)
      const weights = Object.fromEntries(
        Object.entries(shapes).map(([path, shape]) => [path, draw.tensor(shape, 0.7)]),
      )
      const x = data.map((shape) =>
        'ids' in shape ? draw.integers(shape.ids, 0, shape.below - 1) : draw.tensor(shape),
      )
      const block = (tensor: Tensor, n: number): Tensor => {
        const rows = tensor.shape[0] / B
        return slice(tensor, [n * rows], [(n + 1) * rows])
      }
      const expected = oneByOne(
        (w, n) =>
          loss(
            w,
            x.map((tensor) => block(tensor, n)),
          ),
        weights,
        B,
      )
      for (const numbersAtOnce of [2 ** 22, 1]) {
        const { value, squares } = sumOfSquaredGradients((w: TensorsByPath) => loss(w, x), {
          examples: B,
          numbersAtOnce,
        })(weights)
        expect(value.item()).toBeCloseTo(loss(weights, x).item(), 12)
        for (const path of Object.keys(weights)) {
          expect(apart(squares[path], expected[path]), path).toBeLessThan(1e-11)
        }
      }
    })
  }
})

test('a tensor that depends on all examples, such as the statistics of a batch, gets the gradients of every example', () => {
  scope(() => {
    const draw = new Draw(1)
    const x = draw.tensor([B * 2, 3])
    const rows = (w: TensorsByPath): Tensor => {
      const y = linear(x, w.w, w.b)
      return square(tanh(subtract(y, mean(y, { axes: [0], keepDims: true }))))
    }
    const weights = { w: draw.tensor([3, 2]), b: draw.tensor([2]) }
    const expected = oneByOne((w, n) => sum(slice(rows(w), [n * 2], [(n + 1) * 2])), weights, B)
    const { squares } = sumOfSquaredGradients((w: TensorsByPath) => sum(rows(w)), { examples: B })(weights)
    expect(apart(squares.w, expected.w)).toBeLessThan(1e-11)
    expect(apart(squares.b, expected.b)).toBeLessThan(1e-11)
  })
})

test('the squares have gradients of their own', () => {
  scope(() => {
    const random = drawFrom(3)
    const model = modelOf(drawConfig(random), random, device)
    const tokens = tokensFor(model, random, 2)
    const lossOf = (ids: Tensor, w: TensorsByPath): Tensor =>
      sum(crossEntropy(model.forward(ids, w), reshape(ids, [ids.size])))
    const total = (squares: TensorsByPath): Tensor =>
      Object.values(squares)
        .map((one) => sum(one))
        .reduce((a, b) => add(a, b))
    const weights = model.parameters.tensors()
    const got = grad((w: TensorsByPath) =>
      total(sumOfSquaredGradients((v: TensorsByPath) => lossOf(tokens, v), { examples: 2 })(w).squares),
    )(weights)
    const expected = grad((w: TensorsByPath) => total(oneByOne((v, n) => lossOf(row(tokens, n), v), w, 2)))(
      weights,
    )
    for (const path of Object.keys(weights)) expect(apart(got[path], expected[path])).toBeLessThan(1e-9)
    model.dispose()
  })
})

describe('squares of gradients', () => {
  const draw = new Draw(5)
  const [x, w] = [draw.tensor([B * 2, 3]), draw.tensor([3, 2])]
  const squaresOf = (f: (v: Tensor) => Tensor, examples = B) => sumOfSquaredGradients(f, { examples })(w)

  test('are zero where no gradient flows, and leave no tensor behind', () => {
    const { buffers } = device.memory
    scope(() => {
      expect([...squaresOf(() => sum(x)).squares.readSync()]).toEqual([0, 0, 0, 0, 0, 0])
      squaresOf((v) => sum(square(matmul(x, v))))
    })
    expect(device.memory.buffers).toBe(buffers)
  })

  const joined: Readonly<Record<string, readonly [(v: Tensor) => Tensor, string]>> = {
    'rows in another order': [(v) => sum(square(permute(matmul(x, v), [1, 0]))), 'elementwise'],
    'turned in the middle': [
      (v) => sum(permute(concatenate([permute(matmul(x, v), [1, 0])], 0), [1, 0])),
      'permute',
    ],
    'some rows only': [(v) => sum(slice(matmul(x, v), [1])), 'slice'],
    'rows put under rows': [(v) => sum(concatenate([matmul(x, v), matmul(x, v)], 0)), 'concatenate'],
    'rows pushed down': [(v) => sum(square(pad(matmul(x, v), [3, 0], [0, 0]))), 'pad'],
    'examples as columns': [
      (v) => sum(square(matmul(matmul(x, v), draw.tensor([6, 3]), { transposeA: true }))),
      'elementwise',
    ],
    'running sums over the examples': [(v) => sum(tanh(cumsum(matmul(x, v), 0))), 'cumsum'],
    'examples added up by id': [
      (v) => sum(scatterAdd(draw.integers([B * 2], 0, 2), matmul(x, v), 3)),
      'scatterAdd',
    ],
    'a sum before the last one': [(v) => sum(tanh(sum(matmul(x, add(v, 1)), { axes: [0] }))), 'elementwise'],
    'a curved function of the sum': [(v) => tanh(sum(matmul(x, v))), 'elementwise'],
    'a penalty': [(v) => add(sum(matmul(x, v)), sum(square(reshape(v, [2, 3])))), 'elementwise'],
    'a number of examples that does not divide the rows': [
      (v) => sum(square(matmul(slice(x, [0], [5]), v))),
      'elementwise',
    ],
  }
  test.each(Object.entries(joined))('%s: refused, with the op by name', (_, [f, op]) => {
    scope(() => {
      expect(() => squaresOf(f)).toThrow(NotDifferentiableError)
      expect(() => squaresOf(f)).toThrow(`sumOfSquaredGradients: ${op} does not keep 3 examples apart.`)
    })
  })

  test('refuse a term that belongs to no example', () => {
    scope(() => {
      const f = (v: Tensor): Tensor => add(sum(matmul(x, v)), sum(square(v))) // v [3, …] looks like three examples
      expect(() => squaresOf(f)).toThrow(NotDifferentiableError)
      expect(() => squaresOf(f)).toThrow('a term of the loss belongs to no example')
    })
  })

  test('refuse bad options, and functions without a scalar', () => {
    const f = (v: Tensor): Tensor => sum(matmul(x, v))
    for (const options of [
      { examples: 0 },
      { examples: 1.5 },
      { examples: 2, numbersAtOnce: 0 },
      { examples: 2, numbersAtOnce: 2 ** 25 },
    ]) {
      expect(() => sumOfSquaredGradients(f, options)).toThrow(OptionError)
    }
    expect(() => squaresOf((v) => matmul(x, v))).toThrow(ShapeError)
    expect(() => sumOfSquaredGradients(f, { examples: 2 })(draw.integers([3, 2], 0, 1))).toThrow(
      NotDifferentiableError,
    )
  })
})
