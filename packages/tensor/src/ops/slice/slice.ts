/** Slice: the box from `start` (inclusive) to `stop` (exclusive) along every axis. */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp } from '../../op.ts'
import { formatShape, sameShape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { reshape } from '../reshape/reshape.ts'

export interface SliceAttrs {
  /** The first index along each axis, 0 ≤ start ≤ stop ≤ size. */
  readonly start: readonly number[]
  readonly stop: readonly number[]
}

export const sliceOp = defineOp<SliceAttrs>()({
  name: 'slice',
  movement: true,
  takes: { x: 'any' },
  infer([x], { start, stop }) {
    const whole = [...start, ...stop].every((n) => Number.isInteger(n))
    const fits = (at: number): boolean => start[at] >= 0 && start[at] <= stop[at] && stop[at] <= x.shape[at]
    const ranksFit = start.length === x.shape.length && stop.length === x.shape.length
    if (!ranksFit || !whole || !x.shape.every((_, i) => fits(i))) {
      throw new ShapeError(
        `slice: got ${formatShape(start)} to ${formatShape(stop)} of ${formatShape(x.shape)}; ` +
          'expected integers with 0 ≤ start ≤ stop ≤ size along every axis.',
      )
    }
    return [{ shape: x.shape.map((_, i) => stop[i] - start[i]), dtype: x.dtype }]
  },
})

/**
 * Returns a box of a tensor. The box of the whole tensor costs nothing.
 *
 * @param start First index along each axis; axes not named start at 0.
 * @param stop One past the last index along each axis; axes not named go to the end.
 * @throws ShapeError for indices outside the tensor, or more of them than it has axes.
 */
export function slice(x: Tensor, start: readonly number[], stop: readonly number[] = []): Tensor {
  checkTensor('slice', 'x', x)
  checkArgument('slice', 'start', start, checks.integers)
  checkArgument('slice', 'stop', stop, checks.integers)
  if (start.length > x.shape.length || stop.length > x.shape.length) {
    throw new ShapeError(
      `slice: got ${formatShape(start)} to ${formatShape(stop)} of ${formatShape(x.shape)}; ` +
        `expected at most one index per axis, ${x.shape.length} in each list.`,
    )
  }
  const from = x.shape.map((_, i) => start[i] ?? 0)
  const to = x.shape.map((n, i) => stop[i] ?? n)
  if (from.every((n) => n === 0) && sameShape(to, x.shape)) return reshape(x, x.shape)
  return runOp('slice', [x], { start: from, stop: to })[0]
}
