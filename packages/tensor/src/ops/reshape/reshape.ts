/**
 * Reshape: the same numbers in the same order under another shape. Costs nothing: the storage is shared until
 * one of the two tensors is written to or disposed. Functions that have nothing to do return a reshape to the
 * same shape.
 */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp } from '../../op.ts'
import { checkShape, formatShape, type Shape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export interface ReshapeAttrs {
  readonly shape: Shape
  /** Whether tapes take the result for a constant. Default false. */
  readonly stopsGradient?: boolean
}

export const reshapeOp = defineOp<ReshapeAttrs>()({
  name: 'reshape',
  movement: true,
  takes: { x: 'any' },
  alias: true,
  infer([x], { shape }) {
    checkShape('reshape', shape)
    if (sizeOf(shape) !== sizeOf(x.shape)) {
      throw new ShapeError(
        `reshape: sizes differ. Got ${formatShape(x.shape)} (${sizeOf(x.shape)} elements) and asked for ` +
          `${formatShape(shape)} (${sizeOf(shape)}); expected the same number of elements.`,
      )
    }
    return [{ shape, dtype: x.dtype }]
  },
})

/**
 * Returns the same numbers in the same order under another shape.
 *
 * @param shape May hold one −1, which stands for the size that the others leave.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensor('reshape', 'x', x)
  checkArgument('reshape', 'shape', shape, checks.integers)
  const open = shape.filter((n) => n === -1).length
  if (open === 0) return runOp('reshape', [x], { shape })[0]
  const left = x.size / shape.reduce((product, n) => (n === -1 ? product : product * n), 1)
  if (open > 1 || !Number.isInteger(left)) {
    throw new ShapeError(
      `reshape: got ${formatShape(x.shape)} and asked for ${formatShape(shape)}; ` +
        'expected one −1 at most, and sizes beside it that divide the number of elements.',
    )
  }
  return runOp('reshape', [x], { shape: shape.map((n) => (n === -1 ? left : n)) })[0]
}
