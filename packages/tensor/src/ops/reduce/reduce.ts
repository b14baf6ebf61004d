/** Reduce: the sum, the maximum or the minimum over some axes. */
import * as checks from '../../checks/checks.ts'
import { checkOptions, type ChecksOf } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { input } from '../../expression/expression.ts'
import { defineOp } from '../../op.ts'
import { checkShape, formatShape, normalizeAxes, type Shape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { divide } from '../elementwise/arithmetic.ts'
import { elementwise } from '../elementwise/elementwise.ts'
import { reshape } from '../reshape/reshape.ts'

export interface ReduceAttrs {
  readonly kind: 'sum' | 'max' | 'min'
  /** The reduced axes: sorted, distinct, non-negative. */
  readonly axes: readonly number[]
  /** Keep reduced axes with size 1. */
  readonly keepDims: boolean
}

export const reduceOp = defineOp<ReduceAttrs>()({
  name: 'reduce',
  takes: { x: 'any' },
  infer([x], { axes, keepDims }) {
    if (normalizeAxes('reduce', axes, x.shape.length).some((axis, i) => axis !== axes[i])) {
      throw new ShapeError(
        `reduce: got axes ${formatShape(axes)}; expected them sorted and counted from the left.`,
      )
    }
    const shape = keepDims
      ? x.shape.map((n, i) => (axes.includes(i) ? 1 : n))
      : x.shape.filter((_, i) => !axes.includes(i))
    return [{ shape, dtype: x.dtype }]
  },
  flops: ([x]) => sizeOf(x.shape),
})

/** Options of reductions. */
export interface ReduceOptions {
  /** The reduced axes, counted from either end. Default: all axes. */
  readonly axes?: readonly number[]
  readonly keepDims?: boolean
}

/** Checks of the options. */
export const reduceChecks: ChecksOf<ReduceOptions> = {
  // `normalizeAxes` checks the axes together with the tensor.
  axes: { expected: 'axes', accepts: (_): _ is never => true },
  keepDims: checks.boolean,
}

/** @param who The function that was called, for messages. */
function reduce(
  who: string,
  kind: ReduceAttrs['kind'],
  x: Tensor,
  { axes, keepDims = false }: ReduceOptions,
): Tensor {
  const all = axes === undefined ? x.shape.map((_, i) => i) : axes
  return runOp('reduce', [x], { kind, axes: normalizeAxes(who, all, x.shape.length), keepDims })[0]
}

/**
 * The sum over `axes`; 0 over an empty axis. A sum of `i32` wraps around at 2³¹.
 *
 * Rounding costs at most 72·⌈log₆₄ n⌉ roundings of the sum of n magnitudes, not n: terms are added in blocks.
 */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkTensor('sum', 'x', x)
  checkOptions('sum', options, reduceChecks)
  return reduce('sum', 'sum', x, options)
}

/** The maximum over `axes`; −∞ (for `i32` −2³¹) over an empty axis, NaN if any element is. */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkTensor('max', 'x', x)
  checkOptions('max', options, reduceChecks)
  return reduce('max', 'max', x, options)
}

/** The minimum over `axes`; ∞ (for `i32` 2³¹ − 1) over an empty axis, NaN if any element is. */
export function min(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkTensor('min', 'x', x)
  checkOptions('min', options, reduceChecks)
  return reduce('min', 'min', x, options)
}

/**
 * The mean over `axes`, of `f32` whatever the type of `x`; NaN over an empty axis. Infinite where the sum
 * overflows.
 */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkTensor('mean', 'x', x)
  checkOptions('mean', options, reduceChecks)
  // A sum of i32 wraps around; single precision does not.
  const total = reduce('mean', 'sum', x.dtype === 'i32' ? elementwise(input(0), [x]) : x, options)
  const terms = x.size / total.size
  return terms === 1 ? total : divide(total, terms)
}

/** Sums what broadcasting to a larger shape had repeated: the adjoint of broadcasting `shape` to x's. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  checkTensor('sumTo', 'x', x)
  checkShape('sumTo', shape)
  const missing = x.shape.length - shape.length
  const axes = x.shape.flatMap((n, i) => (i < missing || (shape[i - missing] === 1 && n !== 1) ? [i] : []))
  if (axes.length === 0) return reshape(x, shape)
  return reshape(sum(x, { axes }), shape)
}
