import {
  grad,
  hvp,
  jacobian,
  jvp,
  NotDifferentiableError,
  stopGradient,
  sumOfSquaredGradients,
  valueAndGrad,
  vjp,
} from '@burgeon/autograd'
import {
  adamwUpdate,
  addInto,
  argmax,
  assign,
  AsyncCallbackError,
  checkpoint,
  DisposedTensorError,
  multiply,
  ones,
  reshape,
  scope,
  ShapeError,
  square,
  sum,
  tanh,
  type Tensor,
} from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { device } from './draw.ts'

type F = (y: Tensor) => Tensor

const numbers = (x: Tensor): number[] => [...x.readSync()]
const vector = (...values: number[]): Tensor =>
  device.tensor(values, { shape: [values.length], dtype: 'f32' })
const x = vector(1, 2)
/** Closed over by functions below, and to be what it was after every one of them. */
const constant = vector(5, 6)

/** Every way to a gradient that takes a scalar function. */
const ofScalars: Readonly<Record<string, (f: F) => unknown>> = {
  grad: (f) => grad(f)(x),
  valueAndGrad: (f) => valueAndGrad(f)(x),
  hvp: (f) => hvp(f)(x, x),
  sumOfSquaredGradients: (f) => sumOfSquaredGradients(f, { examples: 2 })(x),
}
/** And every way there is. */
const all: Readonly<Record<string, (f: F) => unknown>> = {
  ...ofScalars,
  vjp: (f) => vjp(f)(x, vector(1, 1)),
  jvp: (f) => jvp(f)(x, x),
  jacobian: (f) => jacobian(f)(x),
}

type Refusal = readonly [
  f: F,
  error: new (...args: never[]) => Error,
  what: string,
  ways: Readonly<Record<string, (f: F) => unknown>>,
]

/** What a user may do wrong, the error it gives and what that says. */
const refusals: Readonly<Record<string, Refusal>> = {
  'a result that is not a scalar': [
    (y) => square(y),
    ShapeError,
    'the function returned [2]; expected a scalar. Take its sum or mean.',
    ofScalars,
  ],
  'a result of integers': [
    (y) => argmax(y),
    NotDifferentiableError,
    'the function returned integers []; expected f32. Integers have no gradient.',
    all,
  ],
  'a number that was read': [
    ((y: Tensor) => sum(y).item()) as never,
    NotDifferentiableError,
    'the function returned a value of type number; expected a tensor. Return the result of an op;',
    all,
  ],
  'no answer': [
    (() => {}) as never,
    NotDifferentiableError,
    'the function returned a value of type undefined; expected a tensor.',
    all,
  ],
  null: [
    (() => null) as never,
    NotDifferentiableError,
    'the function returned null; expected a tensor.',
    all,
  ],
  'a promise': [
    (async (y: Tensor) => sum(y)) as never,
    AsyncCallbackError,
    'the function returned a promise; expected it to be synchronous. Await before it is called or after.',
    all,
  ],
  'a tensor between that was disposed of': [
    (y) => {
      const squares = square(y)
      const result = sum(tanh(squares))
      squares.dispose()
      return result
    },
    DisposedTensorError,
    'was used after the scope that owned it had ended. Return it from the scope, or compute it inside.',
    ofScalars,
  ],
  'a result that was disposed of': [
    (y) => {
      const result = sum(y)
      result.dispose()
      return result
    },
    DisposedTensorError,
    'the function returned a tensor [] that it had disposed of; expected one that still exists. Leave disposing to the scope.',
    all,
  ],
  'writing into the argument': [
    (y) => {
      addInto(y, constant)
      return sum(y)
    },
    NotDifferentiableError,
    'assign: has no gradient. It writes in place. Update parameters outside the differentiated function.',
    all,
  ],
  'writing something with gradients': [
    (y) => {
      assign(constant, multiply(y, 2))
      return sum(constant)
    },
    NotDifferentiableError,
    'assign: has no gradient. It writes in place.',
    all,
  ],
  'an optimizer inside': [
    (y) => sum(adamwUpdate(constant, y, vector(0, 0), vector(0, 0), adamwAttrs)),
    NotDifferentiableError,
    'adamw: has no gradient. It writes moments in place. To differentiate through an update, write it with ordinary ops.',
    all,
  ],
  'writing over what has been read': [
    (y) => {
      const product = multiply(y, constant)
      addInto(constant, constant)
      return sum(product)
    },
    NotDifferentiableError,
    'assign: this call would write over numbers that a gradient still needs. Write to a copy, or after the gradient has been taken.',
    all,
  ],
  'writing over it under another shape': [
    (y) => {
      const product = multiply(y, constant)
      addInto(reshape(constant, [1, 2]), ones([1, 2], device))
      return sum(product)
    },
    NotDifferentiableError,
    'assign: this call would write over numbers that a gradient still needs.',
    all,
  ],
  'writing over what a checkpoint has read': [
    (y) => {
      const product = checkpoint(() => multiply(y, constant))
      addInto(constant, constant)
      return sum(product)
    },
    NotDifferentiableError,
    'assign: this call would write over numbers that a gradient still needs.',
    all,
  ],
  'writing over a result behind stopGradient': [
    (y) => {
      const squares = tanh(y)
      assign(stopGradient(squares), constant)
      return sum(squares)
    },
    NotDifferentiableError,
    'assign: this call would write over numbers that a gradient still needs.',
    all,
  ],
}

const adamwAttrs = { learningRate: 1, beta1: 0.9, beta2: 0.9, epsilon: 1, weightDecay: 0, step: 1 }

describe.each(Object.entries(refusals))('%s', (_, [f, error, what, ways]) => {
  test.each(Object.entries(ways))('is refused by %s, which leaves nothing behind', (_name, way) => {
    const { buffers } = device.memory
    scope(() => {
      expect(() => way(f)).toThrow(error)
      expect(() => way(f)).toThrow(what)
    })
    expect(device.memory.buffers).toBe(buffers)
    expect([x, constant].map(numbers)).toEqual([
      [1, 2],
      [5, 6],
    ])
  })
})

test.each(Object.keys(all))('%s refuses an argument of integers', (name) => {
  const ids = device.tensor([1, 2], { shape: [2], dtype: 'i32' })
  const ofIntegers: Readonly<Record<string, (f: F) => unknown>> = {
    grad: (f) => grad(f)(ids),
    valueAndGrad: (f) => valueAndGrad(f)(ids),
    hvp: (f) => hvp(f)(ids, x),
    sumOfSquaredGradients: (f) => sumOfSquaredGradients(f, { examples: 2 })(ids),
    vjp: (f) => vjp(f)(ids, x),
    jvp: (f) => jvp(f)(ids, x),
    jacobian: (f) => jacobian(f)(ids),
  }
  expect(() => ofIntegers[name]((y) => sum(y))).toThrow(NotDifferentiableError)
  expect(() => ofIntegers[name]((y) => sum(y))).toThrow(
    'got an integer tensor [2]; expected f32. Close over it instead of passing it.',
  )
})

describe('what is not refused', () => {
  test('writing in place to a tensor that does not depend on the argument', () => {
    const counter = vector(0, 0)
    const gradient = grad((y: Tensor) => {
      addInto(counter, ones([2], device))
      return sum(multiply(y, 3))
    })(x)
    expect([numbers(gradient), numbers(counter)]).toEqual([
      [3, 3],
      [1, 1],
    ])
  })
  test('an unused argument, and a result that depends on no argument: their gradients are 0', () => {
    const { used, unused } = grad((w: { used: Tensor; unused: Tensor }) => sum(w.used))({
      used: x,
      unused: constant,
    })
    expect([numbers(used), numbers(unused)]).toEqual([
      [1, 1],
      [0, 0],
    ])
    expect(numbers(grad((_: Tensor) => sum(constant))(x))).toEqual([0, 0])
    expect(numbers(sumOfSquaredGradients((_: Tensor) => sum(constant), { examples: 2 })(x).squares)).toEqual([
      0, 0,
    ])
  })
})
