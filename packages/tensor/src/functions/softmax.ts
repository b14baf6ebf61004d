/**
 * Softmax and its logarithms. Exponentials are taken of the differences to the largest number, so that none
 * overflows. That number counts as a constant, because the gradient does not depend on it. The result is
 * `f32`.
 */
import { checkAxis } from '../checks/check-axis.ts'
import { checkOptions } from '../checks/check-options.ts'
import { checkTensor } from '../checks/check-tensor.ts'
import * as e from '../expression/expression.ts'
import { divide } from '../ops/elementwise/arithmetic.ts'
import { elementwise } from '../ops/elementwise/elementwise.ts'
import { max, reduceChecks, type ReduceOptions, sum } from '../ops/reduce/reduce.ts'
import { reshape } from '../ops/reshape/reshape.ts'
import { scope } from '../scope.ts'
import { axesOrAll } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

const [element, top, total] = [e.input(0), e.input(1), e.input(2)]
const below = e.subtract(element, e.stopGradient(top))
const termOfSoftmax = e.exp(below)
const logSoftmaxOf = e.subtract(below, e.log(total))
// Where the largest number is not finite, nothing is subtracted: the result is ∞ or −∞.
const shift = (largest: e.Expression): e.Expression =>
  e.stopGradient(e.select(e.less(e.abs(largest), e.constant(Infinity)), largest, e.constant(0)))
const termOfSum = e.exp(e.subtract(element, shift(top)))
const logOfSum = e.add(e.log(e.input(0)), shift(top))

/** A scalar has a softmax, although it has no axis. */
const axesOf = (op: string, x: Tensor, axis: number): number[] =>
  x.shape.length === 0 ? (checkAxis(op, axis, 1), []) : [checkAxis(op, axis, x.shape.length)]

/**
 * eˣ over its sum along `axis`, by default the last: positive numbers that add up to 1. NaN where the largest
 * number is infinite, as in PyTorch.
 *
 * @throws ShapeError for an axis that x does not have.
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  checkTensor('softmax', 'x', x)
  const over = { axes: axesOf('softmax', x, axis), keepDims: true }
  return scope(() => {
    const terms = elementwise(termOfSoftmax, [x, max(x, over)])
    return divide(terms, sum(terms, over))
  })
}

/**
 * The logarithm of `softmax`, exact even where the softmax itself would be too small for single precision.
 */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  checkTensor('logSoftmax', 'x', x)
  const over = { axes: axesOf('logSoftmax', x, axis), keepDims: true }
  return scope(() => {
    const largest = max(x, over)
    return elementwise(logSoftmaxOf, [x, largest, sum(elementwise(termOfSoftmax, [x, largest]), over)])
  })
}

/** log Σ eˣ over `axes`, by default all of them; −∞ over an empty axis. Does not overflow. */
export function logsumexp(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkTensor('logsumexp', 'x', x)
  checkOptions('logsumexp', options, reduceChecks)
  const axes = axesOrAll('logsumexp', options.axes, x.shape.length)
  const over = { axes, keepDims: true }
  return scope(() => {
    const largest = max(x, over)
    const sums = sum(elementwise(termOfSum, [x, largest]), over)
    const result = elementwise(logOfSum, [sums, largest])
    return options.keepDims
      ? result
      : reshape(
          result,
          x.shape.filter((_, i) => !axes.includes(i)),
        )
  })
}
