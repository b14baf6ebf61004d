/** Reshape: the same numbers in the same order under another shape. Costs nothing: the storage is shared. */
import { run } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp, movesOnly } from '../../op.ts'
import { formatShape, type Shape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export interface ReshapeAttrs {
  readonly shape: Shape
}

export const reshapeOp = defineOp<ReshapeAttrs>()({
  name: 'reshape',
  takes: { x: 'any' },
  alias: true,
  infer([x], { shape }) {
    if (sizeOf(shape) !== sizeOf(x.shape)) {
      throw new ShapeError(
        `reshape: sizes differ. Got ${formatShape(x.shape)} (${sizeOf(x.shape)} elements) and asked for ` +
          `${formatShape(shape)} (${sizeOf(shape)}); expected the same number of elements.`,
      )
    }
    return [{ shape, dtype: x.dtype }]
  },
  flops: movesOnly,
})

/** @param shape May hold one −1, which takes what is left. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = shape.reduce((product, n) => (n === -1 ? product : product * n), 1)
  const full = shape.map((n) => (n === -1 ? x.size / known : n))
  return run('reshape', [x], { shape: full })[0] as Tensor
}
