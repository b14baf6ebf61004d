import { grad, stopGradient, valueAndGrad } from '@burgeon/autograd'
import { checkGradient } from '@burgeon/autograd/testing'
import {
  add,
  argmax,
  assign,
  attention,
  checkpoint,
  crossEntropy,
  gather,
  layerNorm,
  matmul,
  multiply,
  ones,
  reshape,
  scope,
  sin,
  square,
  subtract,
  sum,
  tanh,
  type Tensor,
} from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { device, Draw } from './draw.ts'

const numbers = (x: Tensor): number[] => [...x.readSync()]
const vector = (...values: number[]): Tensor =>
  device.tensor(values, { shape: [values.length], dtype: 'f32' })
const scalar = (value: number): Tensor => device.tensor([value], { shape: [], dtype: 'f32' })
/** How many buffers a body leaves behind. */
const leftBehind = (body: () => void): number => {
  const { buffers } = device.memory
  body()
  return device.memory.buffers - buffers
}

describe('a gradient', () => {
  test('has the structure of the argument', () => {
    const x = vector(1, 2)
    expect(numbers(grad((y: Tensor) => sum(square(y)))(x))).toEqual([2, 4])
    const list = grad(([a, b]: readonly Tensor[]) => sum(multiply(a, b)))([x, vector(3, 4)])
    expect(list.map(numbers)).toEqual([
      [3, 4],
      [1, 2],
    ])
    const named = grad((w: { a: Tensor; b: Tensor }) => sum(multiply(w.a, square(w.b))))({
      a: x,
      b: vector(3, 4),
    })
    expect({ a: numbers(named.a), b: numbers(named.b) }).toEqual({ a: [9, 16], b: [6, 16] })
  })
  test('comes with the value and with the other results of the function', () => {
    const { value, gradient, aux } = valueAndGrad((x: Tensor) => {
      const y = square(x)
      return [sum(y), { y, name: 'squares' }] as const
    })(vector(1, 2))
    expect([value.item(), numbers(gradient), numbers(aux.y), aux.name]).toEqual([
      5,
      [2, 4],
      [1, 4],
      'squares',
    ])
  })
  test('is zero, in the right shape, for an argument without influence', () => {
    const { a, b, c } = grad((w: { a: Tensor; b: Tensor; c: Tensor }) => sum(multiply(w.a, argmax(w.c))))({
      a: vector(1, 2),
      b: ones([2, 3], device),
      c: ones([2], device),
    })
    expect([numbers(a), numbers(b), b.shape, numbers(c)]).toEqual([
      [0, 0],
      [0, 0, 0, 0, 0, 0],
      [2, 3],
      [0, 0],
    ])
  })
  test('is 1 for the function that returns its argument, and 0 for one that returns a constant', () => {
    const constant = scalar(3)
    expect(grad((x: Tensor) => x)(scalar(5)).item()).toBe(1)
    expect(grad((_: Tensor) => constant)(scalar(5)).item()).toBe(0)
  })
  test('adds up over all the places where a tensor is used', () => {
    expect(grad((x: Tensor) => add(multiply(x, x), add(x, x)))(scalar(3)).item()).toBe(8)
  })
  test('belongs to the place in the argument, even if one tensor stands in two', () => {
    const x = scalar(3)
    const gradients = grad(([a, b]: readonly Tensor[]) => multiply(a, square(b)))([x, x])
    expect(gradients.map((gradient) => gradient.item())).toEqual([9, 18])
    const total = grad((y: Tensor) => grad(([a, b]: readonly Tensor[]) => multiply(a, square(b)))([y, y])[1])(
      x,
    )
    expect(total.item()).toBe(12) // d/dy of 2·y·y
  })
  test('does not pass through stopGradient, at any order', () => {
    const x = scalar(3)
    expect(grad((y: Tensor) => multiply(y, stopGradient(y)))(x).item()).toBe(3)
    expect(grad((y: Tensor) => grad((z: Tensor) => multiply(z, stopGradient(square(y))))(y))(x).item()).toBe(
      0,
    )
  })
  test('is the same bits every time', () => {
    const draw = new Draw(1)
    const [x, w] = [draw.tensor([4, 5]), draw.tensor([5, 5])]
    const gradient = (): number[] => numbers(grad((y: Tensor) => sum(tanh(matmul(tanh(matmul(x, y)), y))))(w))
    expect(gradient()).toEqual(gradient())
  })
})

describe('a tape', () => {
  const f = (x: Tensor): Tensor => {
    // The scope ends inside the function; the backward pass needs what it would have freed.
    const y = scope(() => sin(multiply(square(x), square(x))))
    return sum(multiply(y, y))
  }
  test('keeps tensors that a scope inside the function has freed', () => {
    expect(checkGradient(f, [vector(0.3, 1.1)]).error).toBeLessThan(1e-8)
  })
  test('keeps tensors that a checkpoint has read and a scope has freed, constants too', () => {
    const g = (x: Tensor): Tensor =>
      scope(() => {
        const constant = ones(x.shape, device)
        return checkpoint(() => sum(multiply(square(x), constant)))
      })
    expect(checkGradient(g, [vector(0.3, 1.1)]).error).toBeLessThan(1e-8)
  })
  test('frees everything afterwards but value, gradient and aux', () => {
    const x = vector(1, 2)
    let answer: { value: Tensor; gradient: Tensor } | undefined
    expect(leftBehind(() => (answer = valueAndGrad(f)(x)))).toBe(2)
    answer?.value.dispose()
    answer?.gradient.dispose()
    expect(leftBehind(() => grad(f)(x).dispose())).toBe(0)
    expect(leftBehind(() => grad((y: Tensor) => sum(grad(f)(y)))(x).dispose())).toBe(0)
    expect(x.isDisposed).toBe(false)
  })
  test('frees everything when the function throws, returns nonsense or turns out to be asynchronous', () => {
    const x = vector(1, 2)
    const bad: ((y: Tensor) => Tensor)[] = [
      (y) => {
        square(y)
        throw new Error('stop')
      },
      (y) => square(y),
      (async (y: Tensor) => sum(y)) as never,
      (y) => {
        assign(square(y), y)
        return sum(y)
      },
    ]
    for (const g of bad) expect(leftBehind(() => expect(() => grad(g)(x)).toThrow())).toBe(0)
  })
  test('does not free tensors from before, nor those that the function keeps', () => {
    const [x, y] = [vector(1, 2), vector(3, 4)]
    scope(() => void grad((z: Tensor) => sum(multiply(z, y)))(x))
    expect([x.isDisposed, y.isDisposed]).toEqual([false, false])
  })
})

describe('derivatives of derivatives', () => {
  test('x³ has 3x², 6x, 6 and 0', () => {
    const cube = (x: Tensor): Tensor => multiply(x, multiply(x, x))
    const at = (f: (x: Tensor) => Tensor): number => f(scalar(2)).item()
    const [first, second] = [grad(cube), grad(grad(cube))]
    expect([at(first), at(second), at(grad(second)), at(grad(grad(second)))]).toEqual([12, 12, 6, 0])
  })
  test('mixed ones agree in both orders', () => {
    const f = (x: Tensor, y: Tensor): Tensor => sum(sin(multiply(square(x), y)))
    const [x, y] = [vector(0.5, 1), vector(2, 3)]
    const xThenY = grad((v: Tensor) => sum(grad((u: Tensor) => f(u, v))(x)))(y)
    const yThenX = grad((u: Tensor) => sum(grad((v: Tensor) => f(u, v))(y)))(x)
    numbers(xThenY).forEach((gradient, i) => expect(gradient).toBeCloseTo(numbers(yThenX)[i], 12))
  })
  test('the product of a Hessian with a vector agrees with finite differences', () => {
    const draw = new Draw(4)
    const [q, k, v, direction] = [0, 1, 2, 3].map(() => draw.tensor([1, 3, 2, 2]))
    const f = (x: Tensor): Tensor => sum(square(attention(x, add(x, k), multiply(x, v))))
    const product = (x: Tensor): Tensor => sum(multiply(grad(f)(x), direction))
    expect(checkGradient(product, [q]).error).toBeLessThan(1e-7)
  })
  test('a step of gradient descent can be differentiated (MAML)', () => {
    const draw = new Draw(6)
    const [x, target, gain, bias] = [
      draw.tensor([4, 3]),
      draw.tensor([4, 2]),
      draw.tensor([2]),
      draw.tensor([2]),
    ]
    const loss = (w: Tensor): Tensor =>
      sum(square(subtract(layerNorm(tanh(matmul(x, w)), gain, bias, 0.1), target)))
    /** The loss after two inner steps whose rate is learnt, too. */
    const adapted = (w: Tensor, rate: Tensor): Tensor => {
      let now = w
      for (let i = 0; i < 2; i++) now = subtract(now, multiply(rate, grad(loss)(now)))
      return loss(now)
    }
    expect(checkGradient(adapted, [draw.tensor([3, 2]), scalar(0.05)]).error).toBeLessThan(1e-6)
  })
  test('hold for a whole layer of a language model', () => {
    const draw = new Draw(7)
    const [table, w] = [draw.tensor([5, 4]), draw.tensor([4, 5])]
    const [ids, targets] = [draw.integers([1, 3], 0, 4), draw.integers([3], -1, 4)]
    const f = (t: Tensor, u: Tensor): Tensor => {
      const x = gather(t, ids)
      const heads = reshape(x, [1, 3, 2, 2])
      return sum(crossEntropy(matmul(reshape(attention(heads, heads, heads), [3, 4]), u), targets))
    }
    expect(checkGradient(f, [table, w]).error).toBeLessThan(1e-7)
    const second = (t: Tensor, u: Tensor): Tensor => sum(square(grad((y: Tensor) => f(y, u))(t)))
    expect(checkGradient(second, [table, w]).error).toBeLessThan(1e-6)
  })
})
