/**
 * Makes functions with names of their own out of scalar expressions. A number among the arguments is passed
 * as data.
 */
import { checkTensor } from '../../checks/check-tensor.ts'
import { OptionError } from '../../errors.ts'
import * as e from '../../expression/expression.ts'
import type { Expression } from '../../expression/expression.ts'
import { broadcastShapes, sameShape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { elementwise } from './elementwise.ts'

const x = e.input(0)
const y = e.input(1)
const s = e.scalar(0)

/** A function of two tensors, either of which may be a number instead. */
export type Binary = (a: Tensor | number, b: Tensor | number) => Tensor

/** Makes a two-argument function that takes tensors and numbers in any place, but not two numbers. */
export function binary(name: string, build: (a: Expression, b: Expression) => Expression): Binary {
  const [both, right, left] = [build(x, y), build(x, s), build(s, x)]
  return (a, b) => {
    if (typeof a !== 'number') checkTensor(name, 'a', a)
    if (typeof b !== 'number') checkTensor(name, 'b', b)
    if (typeof a !== 'number') {
      if (typeof b === 'number') return elementwise(right, [a], [b])
      checkBroadcast(name, a, b)
      return elementwise(both, [a, b])
    }
    if (typeof b !== 'number') return elementwise(left, [b], [a])
    throw new OptionError(`${name}: got two numbers; expected at least one tensor.`)
  }
}

/** Makes a function of one tensor. */
export function unary(name: string, build: (a: Expression) => Expression): (a: Tensor) => Tensor {
  const expression = build(x)
  return (a) => {
    checkTensor(name, 'a', a)
    return elementwise(expression, [a])
  }
}

/** Throws ShapeError in the name of the function that was called unless the shapes broadcast. */
function checkBroadcast(name: string, a: Tensor, b: Tensor): void {
  if (!sameShape(a.shape, b.shape)) broadcastShapes(name, [a.shape, b.shape])
}
