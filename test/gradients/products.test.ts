import { grad, hvp, jacobian, jvp, NotDifferentiableError, vjp } from '@burgeon/autograd'
import {
  add,
  attention,
  gelu,
  layerNorm,
  matmul,
  mean,
  multiply,
  scope,
  ShapeError,
  sum,
  type Tensor,
  tanh,
} from '@burgeon/tensor'
import { largestDifference } from '@burgeon/tensor/testing'
import { describe, expect, test } from 'vitest'
import { device, Draw } from './draw.ts'

const numbers = (x: Tensor): number[] => [...x.readSync()]
const vector = (...values: number[]): Tensor =>
  device.tensor(values, { shape: [values.length], dtype: 'f32' })
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((total, x, i) => total + x * b[i], 0)

/** f(x + h·v) − f(x − h·v) over 2h, in double precision. */
function along(f: (x: Tensor) => Tensor, x: Tensor, v: Tensor, h = 1e-5): number[] {
  const at = (step: number): number[] => numbers(f(add(x, multiply(v, step))))
  const [above, below] = [at(h), at(-h)]
  return above.map((y, i) => (y - below[i]) / (2 * h))
}

describe.each([1, 2, 3])('for the drawn function %d', (seed) => {
  const draw = new Draw(seed)
  const [t, c] = [draw.between(2, 4), 4]
  const [gain, bias, w] = [draw.tensor([c]), draw.tensor([c]), draw.tensor([c, c])]
  const f = (x: Tensor): Tensor => add(x, gelu(matmul(tanh(layerNorm(x, gain, bias)), w)))
  const [x, v] = [draw.tensor([t, c]), draw.tensor([t, c])]

  test('jvp is the derivative in a direction', () => {
    const { value, product } = jvp(f)(x, v)
    expect(numbers(value)).toEqual(numbers(f(x)))
    expect(largestDifference(numbers(product), along(f, x, v))).toBeLessThan(1e-7)
  })

  test('vjp is its transpose: u·(J·v) = (Jᵀ·u)·v', () => {
    const u = draw.tensor([t, c])
    const [left, right] = [
      dot(numbers(u), numbers(jvp(f)(x, v).product)),
      dot(numbers(vjp(f)(x, u).product), numbers(v)),
    ]
    expect(left).toBeCloseTo(right, 10)
  })

  test('hvp is the derivative of the gradient, and symmetric', () => {
    const loss = (y: Tensor): Tensor => mean(multiply(f(y), f(y)))
    const product = hvp(loss)(x, v)
    expect(largestDifference(numbers(product), along(grad(loss), x, v))).toBeLessThan(1e-6)
    const u = draw.tensor([t, c])
    expect(dot(numbers(u), numbers(product))).toBeCloseTo(dot(numbers(hvp(loss)(x, u)), numbers(v)), 8)
  })

  test('jacobian times a vector is jvp', () => {
    const whole = jacobian(f)(x)
    expect(whole.shape).toEqual([t, c, t, c])
    const rows = numbers(whole)
    const size = t * c
    const product = Array.from({ length: size }, (_, i) =>
      dot(rows.slice(i * size, (i + 1) * size), numbers(v)),
    )
    expect(largestDifference(product, numbers(jvp(f)(x, v).product))).toBeLessThan(1e-10)
  })
})

test('attention has second derivatives too', () => {
  const draw = new Draw(9)
  const [k, q] = [draw.tensor([1, 3, 2, 2]), draw.tensor([1, 3, 2, 2])]
  const loss = (x: Tensor): Tensor => sum(multiply(attention(x, k, x), q))
  const [x, v] = [draw.tensor([1, 3, 2, 2]), draw.tensor([1, 3, 2, 2])]
  expect(largestDifference(numbers(hvp(loss)(x, v)), along(grad(loss), x, v))).toBeLessThan(1e-6)
})

describe('products', () => {
  test('take arrays and objects, and return zeros where no gradient flows', () => {
    const both = vjp(({ a, b }: { a: Tensor; b: Tensor }) => multiply(a, add(b, 0)))
    const { product } = both({ a: vector(1, 2), b: vector(3, 4) }, vector(1, 10))
    expect({ a: numbers(product.a), b: numbers(product.b) }).toEqual({ a: [3, 40], b: [1, 20] })
    const unused = vjp(([a]: readonly Tensor[]) => multiply(a, 2))([vector(1), vector(5)], vector(1))
    expect(unused.product.map(numbers)).toEqual([[2], [0]])
    expect(numbers(jvp(() => vector(7))(vector(1), vector(1)).product)).toEqual([0])
    expect(numbers(jacobian(() => vector(7, 8))(vector(1)))).toEqual([0, 0])
    expect(jacobian((y: Tensor) => y)(vector()).shape).toEqual([0, 0])
  })

  test('leave no tensor behind', () => {
    const { buffers } = device.memory
    scope(() => {
      const [x, v] = [vector(1, 2), vector(3, 4)]
      const f = (y: Tensor): Tensor => tanh(multiply(y, y))
      vjp(f)(x, v)
      jvp(f)(x, v)
      hvp((y: Tensor) => sum(f(y)))(x, v)
      jacobian(f)(x)
    })
    expect(device.memory.buffers).toBe(buffers)
  })

  test('refuse arguments that do not fit', () => {
    const [x, three] = [vector(1, 2), vector(1, 2, 3)]
    expect(() => vjp((y: Tensor) => y)(x, three)).toThrow('vjp: got a cotangent [3]; expected [2].')
    expect(() => jvp((y: Tensor) => y)(x, three)).toThrow(ShapeError)
    expect(() => jvp(([y]: readonly Tensor[]) => y)([x], [])).toThrow('got 0 tangents for 1 tensors')
    expect(() => hvp((y: Tensor) => sum(y))(x, three)).toThrow(ShapeError)
    const ids = device.tensor([1], { shape: [1], dtype: 'i32' })
    expect(() => jacobian((y: Tensor) => y)(ids)).toThrow(NotDifferentiableError)
  })
})
