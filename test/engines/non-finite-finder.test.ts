import { grad, valueAndGrad } from '@burgeon/autograd'
import { Gpt } from '@burgeon/gpt'
import {
  add,
  crossEntropy,
  divide,
  exp,
  findNonFinite,
  findNonFiniteAsync,
  log,
  mean,
  multiply,
  openScope,
  reshape,
  sqrt,
  subtract,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const device = openWasm({ threads: 1 })
const vector = (...numbers: number[]): Tensor =>
  device.tensor(numbers, { shape: [numbers.length], dtype: 'f32' })

describe('findNonFinite', () => {
  test('returns what the body returns when every number is finite', () => {
    using _ = openScope()
    expect(findNonFinite(() => sum(exp(vector(0, 0)))).readSync()[0]).toBe(2)
  })

  test('names the op that made the first bad number, and its place', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), fc.nat(), (numbers, at) => {
        using _ = openScope()
        const index = at % numbers.length
        const x = vector(...numbers.with(index, -1))
        expect(() => findNonFinite(() => add(log(x), 1))).toThrow(
          `elementwise: made NaN at [${index}] of [${numbers.length}]; its inputs were finite.`,
        )
      }),
    )
  })

  test('tells bad data and bad weights from numbers that an op made', () => {
    using _ = openScope()
    const bad = device.tensor([1, Number.NaN, 3, Number.NaN], { shape: [2, 2], dtype: 'f32' }, 'batch')
    expect(() => findNonFinite(() => multiply(vector(1, 1), bad))).toThrow(
      'elementwise: input 1, made by batch, has NaN at [0, 1] of [2, 2], and 1 more.',
    )
  })

  test('finds a bad weight of a model by the name of its parameter', () => {
    using _ = openScope()
    const model = Gpt.create(
      { vocabulary: 11, context: 8, embed: 16, heads: 2, layers: 2 },
      { device, seed: 1 },
    )
    const tokens = device.tensor([1, 2, 3, 4], { shape: [1, 4], dtype: 'i32' })
    const path = 'blocks.b1.mlp.up.weight'
    const broken = Float32Array.from(model.parameters.tensors()[path].readSync()).fill(Number.NaN, 5, 6)
    const weights = {
      ...model.parameters.tensors(),
      [path]: device.tensor(broken, { shape: [16, 64], dtype: 'f32' }, path),
    }
    expect(() => findNonFinite(() => model.forward(tokens, weights))).toThrow(
      `linear: input 1, made by ${path}, has NaN at [0, 5] of [16, 64].`,
    )
    model.dispose()
  })

  test('finds a NaN that only a gradient makes', () => {
    using _ = openScope()
    // √x is finite at 0, its gradient is not.
    expect(() => findNonFinite(() => grad((x: Tensor) => sum(sqrt(x)))(vector(4, 0)))).toThrow(
      'elementwise: made Infinity at [1] of [2]',
    )
  })

  test('works through a model and its gradient, and changes no bit', () => {
    const step = (): unknown => {
      using _ = openScope()
      const model = Gpt.create(
        { vocabulary: 11, context: 8, embed: 16, heads: 2, layers: 2 },
        { device, seed: 1 },
      )
      const tokens = device.tensor([1, 2, 3, 4], { shape: [1, 4], dtype: 'i32' })
      const { gradient } = valueAndGrad((w: TensorsByPath) =>
        mean(crossEntropy(model.forward(tokens, w), reshape(tokens, [4]))),
      )(model.parameters.tensors())
      const numbers = Object.values(gradient).map((gradient) => gradient.readSync())
      model.dispose()
      return numbers
    }
    expect(findNonFinite(step)).toEqual(step())
  })

  test('lets infinities pass with `infinities: false`, but never NaN', () => {
    using _ = openScope()
    const zero = vector(0)
    expect(() => findNonFinite(() => divide(1, zero))).toThrow('made Infinity')
    expect(findNonFinite(() => divide(1, zero), { infinities: false }).readSync()[0]).toBe(Infinity)
    expect(() => findNonFinite(() => subtract(log(zero), log(zero)), { infinities: false })).toThrow(
      'made NaN',
    )
  })

  test('frees every tensor when it throws', () => {
    const before = device.memory.buffers
    expect(() => {
      using _ = openScope()
      findNonFinite(() => log(vector(-1)))
    }).toThrow('made NaN')
    expect(device.memory.buffers).toBe(before)
  })

  test('follows an asynchronous body', async () => {
    const body = async (): Promise<Tensor> => {
      await Promise.resolve()
      return log(vector(-1))
    }
    await expect(findNonFiniteAsync(body)).rejects.toThrow('elementwise: made NaN')
  })
})
