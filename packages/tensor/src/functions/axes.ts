/** Functions that add, remove and join axes. The numbers stay in order, and their type as it is. */
import { checkArgument } from '../checks/check-options.ts'
import { checkAxis } from '../checks/check-axis.ts'
import { checkTensor } from '../checks/check-tensor.ts'
import * as checks from '../checks/checks.ts'
import { ShapeError } from '../errors.ts'
import { reshape } from '../ops/reshape/reshape.ts'
import { formatShape, normalizeAxes } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/**
 * Removes axes of size 1.
 *
 * @param axes The axes to remove, counted from either end. Default: every axis of size 1.
 * @throws ShapeError for an axis of another size.
 */
export function squeeze(x: Tensor, axes?: readonly number[]): Tensor {
  checkTensor('squeeze', 'x', x)
  const dropped =
    axes === undefined
      ? x.shape.flatMap((n, i) => (n === 1 ? [i] : []))
      : normalizeAxes('squeeze', axes, x.shape.length)
  if (dropped.some((axis) => x.shape[axis] !== 1)) {
    throw new ShapeError(
      `squeeze: got axes ${formatShape(dropped)} of ${formatShape(x.shape)}; expected axes of size 1.`,
    )
  }
  return reshape(
    x,
    x.shape.filter((_, i) => !dropped.includes(i)),
  )
}

/** Adds an axis of size 1, which will be number `axis` of the result: `[2, 3]` at −1 becomes `[2, 3, 1]`. */
export function expandDims(x: Tensor, axis: number): Tensor {
  checkTensor('expandDims', 'x', x)
  return reshape(x, x.shape.toSpliced(checkAxis('expandDims', axis, x.shape.length + 1), 0, 1))
}

/**
 * Joins the axes from `first` to `last` into one. Default: all of them; a scalar becomes `[1]`.
 *
 * @throws ShapeError for axes that x does not have, or where `last` comes before `first`.
 */
export function flatten(x: Tensor, first = 0, last = -1): Tensor {
  checkTensor('flatten', 'x', x)
  checkArgument('flatten', 'first', first, checks.integer())
  checkArgument('flatten', 'last', last, checks.integer())
  const { shape } = x
  const [from, to] = [first, last].map((axis) => checkAxis('flatten', axis, Math.max(1, shape.length)))
  if (from > to) {
    throw new ShapeError(
      `flatten: got axes ${first} to ${last} of ${formatShape(shape)}; expected the first not to come after the last.`,
    )
  }
  const size = shape.slice(from, to + 1).reduce((product, n) => product * n, 1)
  return reshape(x, [...shape.slice(0, from), size, ...shape.slice(to + 1)])
}
