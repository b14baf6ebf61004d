/**
 * Variance and standard deviation, in two passes: squares of the differences to the mean do not cancel. The
 * result is `f32`.
 */
import { checkOptions, type ChecksOf } from '../checks/check-options.ts'
import { checkTensor } from '../checks/check-tensor.ts'
import * as checks from '../checks/checks.ts'
import * as e from '../expression/expression.ts'
import { divide } from '../ops/elementwise/arithmetic.ts'
import { elementwise } from '../ops/elementwise/elementwise.ts'
import { mean, reduceChecks, type ReduceOptions, sum } from '../ops/reduce/reduce.ts'
import { scope } from '../scope.ts'
import { axesOrAll, sizeOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** Options of `variance` and `std`. */
export interface VarianceOptions extends ReduceOptions {
  /**
   * The sum of n squares is divided by n − `correction` (never below 0). Default 0, as in NumPy and JAX;
   * PyTorch's default is 1.
   */
  readonly correction?: number
}

const optionChecks: ChecksOf<VarianceOptions> = { ...reduceChecks, correction: checks.number({ from: 0 }) }

const difference = e.subtract(e.input(0), e.input(1))
const squaredDifference = e.multiply(difference, difference)
const root = e.select(e.equal(e.input(0), e.constant(0)), e.constant(0), e.sqrt(e.input(0)))

/**
 * The mean of the squared differences to the mean, over `axes`, by default all of them. NaN where the divisor
 * is 0.
 */
export function variance(x: Tensor, options: VarianceOptions = {}): Tensor {
  return varianceOf('variance', x, options)
}

/** The square root of `variance`; its gradient is 0 where all numbers are equal, as in PyTorch. */
export function std(x: Tensor, options: VarianceOptions = {}): Tensor {
  return scope(() => elementwise(root, [varianceOf('std', x, options)]))
}

function varianceOf(op: string, x: Tensor, options: VarianceOptions): Tensor {
  checkTensor(op, 'x', x)
  checkOptions(op, options, optionChecks)
  const { correction = 0, keepDims = false } = options
  const axes = axesOrAll(op, options.axes, x.shape.length)
  const count = sizeOf(axes.map((axis) => x.shape[axis]))
  return scope(() => {
    const squares = elementwise(squaredDifference, [x, mean(x, { axes, keepDims: true })])
    return divide(sum(squares, { axes, keepDims }), Math.max(0, count - correction))
  })
}
