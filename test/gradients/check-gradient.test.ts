import { stopGradient } from '@burgeon/autograd'
import { checkGradient } from '@burgeon/autograd/testing'
import { add, exp, multiply, OptionError, scope, square, subtract, sum, type Tensor } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { Draw } from './draw.ts'

const inputs = (): Tensor[] => {
  const draw = new Draw(1)
  return [draw.tensor([2, 2]), draw.tensor([2, 2])]
}
/** 0, with gradient 1. */
const nudge = (x: Tensor): Tensor => subtract(x, stopGradient(x))

describe('a check of a gradient', () => {
  test('finds no error in a right gradient', () => {
    scope(() => {
      const f = (x: Tensor, y: Tensor): Tensor => sum(multiply(exp(x), square(y)))
      expect(checkGradient(f, inputs()).error).toBeLessThan(1e-8)
      expect(checkGradient(f, inputs(), { order: 2 }).error).toBeLessThan(1e-7)
      expect(checkGradient(f, inputs(), { step: 1e-3 }).error).toBeGreaterThan(1e-8)
    })
  })
  test('finds a wrong first gradient, and in which argument', () => {
    scope(() => {
      const f = (x: Tensor, y: Tensor): Tensor => sum(multiply(x, multiply(y, stopGradient(y))))
      const { error, argument } = checkGradient(f, inputs())
      expect(error).toBeGreaterThan(0.1)
      expect(argument).toBe(1)
    })
  })
  test('finds a wrong second gradient behind a right first one', () => {
    scope(() => {
      // eˣ with gradient eˣ, but made of numbers that have none.
      const f = (x: Tensor, y: Tensor): Tensor =>
        add(sum(square(x)), sum(multiply(stopGradient(exp(y)), add(nudge(y), 1))))
      expect(checkGradient(f, inputs()).error).toBeLessThan(1e-8)
      const { error, argument } = checkGradient(f, inputs(), { order: 2 })
      expect(error).toBeGreaterThan(0.1)
      expect(argument).toBe(1)
    })
  })
  test('refuses a third order, and a step of 0', () => {
    const f = (x: Tensor, y: Tensor): Tensor => sum(multiply(x, y))
    expect(() => checkGradient(f, inputs(), { order: 3 as never })).toThrow(OptionError)
    expect(() => checkGradient(f, inputs(), { step: 0 })).toThrow(OptionError)
  })
})
