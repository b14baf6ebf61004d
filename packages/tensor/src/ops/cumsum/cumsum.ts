/** Cumsum: running sums along one axis, from either end. */
import * as checks from '../../checks/checks.ts'
import { checkArgument, checkOptions, type ChecksOf } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp } from '../../op.ts'
import { formatShape, normalizeAxes, type Shape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export interface CumsumAttrs {
  /** The axis, counted from the left. */
  readonly axis: number
  /** Sums from the end: `out[i] = x[i] + x[i + 1] + …`. */
  readonly reverse: boolean
}

export const cumsumOp = defineOp<CumsumAttrs>()({
  name: 'cumsum',
  takes: { x: 'any' },
  infer([x], { axis }) {
    if (!Number.isInteger(axis) || axis < 0 || axis >= x.shape.length) {
      throw new ShapeError(`cumsum: got axis ${axis} of ${formatShape(x.shape)}; expected one of its axes.`)
    }
    return [{ shape: x.shape, dtype: x.dtype }]
  },
  flops: ([x]) => sizeOf(x.shape),
})

/** Options of `cumsum`. */
export interface CumsumOptions {
  /** Sums from the end of the axis. Default false. */
  readonly reverse?: boolean
}

const optionChecks: ChecksOf<CumsumOptions> = { reverse: checks.boolean }

/**
 * Computes running sums along an axis, of the shape and the type of `x`: `out[i] = x[0] + … + x[i]`. A sum of
 * `i32` wraps around at 2³¹.
 *
 * Each is as accurate as a `sum` of its terms: rounding costs at most 72·⌈log₆₄ n⌉ roundings of the sum of n
 * magnitudes.
 *
 * @param axis Counted from either end.
 * @param options `reverse`: sums from the end, `out[i] = x[i] + … + x[n − 1]`.
 * @throws ShapeError for an axis that `x` does not have, OptionError for an option that does not exist.
 * @example
 * ```ts
 * cumsum(tensor([1, 2, 3]), 0) // [1, 3, 6]
 * ```
 */
export function cumsum(x: Tensor, axis: number, options: CumsumOptions = {}): Tensor {
  checkTensor('cumsum', 'x', x)
  checkArgument('cumsum', 'axis', axis, checks.integer())
  checkOptions('cumsum', options, optionChecks)
  const [at] = normalizeAxes('cumsum', [axis], x.shape.length) as [number]
  return runOp('cumsum', [x], { axis: at, reverse: options.reverse ?? false })[0]
}

/** The sizes `[outer, terms, inner]`: the axis, all axes before it as one and all behind it as one. */
export interface Lines {
  readonly outer: number
  readonly terms: number
  readonly inner: number
}

export function linesOf(shape: Shape, axis: number): Lines {
  return { outer: sizeOf(shape.slice(0, axis)), terms: shape[axis], inner: sizeOf(shape.slice(axis + 1)) }
}
