/** Broadcast: repeats a tensor along new axes and axes of size 1. */
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp } from '../../op.ts'
import { broadcastShapes, checkShape, formatShape, sameShape, type Shape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { reshape } from '../reshape/reshape.ts'

export interface BroadcastAttrs {
  readonly shape: Shape
}

export const broadcastOp = defineOp<BroadcastAttrs>()({
  name: 'broadcast',
  movement: true,
  takes: { x: 'any' },
  infer([x], { shape }) {
    if (!sameShape(broadcastShapes('broadcast', [x.shape, shape]), shape)) {
      throw new ShapeError(
        `broadcast: got ${formatShape(x.shape)} and asked for ${formatShape(shape)}; expected a shape it can stretch to.`,
      )
    }
    return [{ shape, dtype: x.dtype }]
  },
})

/** Repeats `x` to `shape` by NumPy's rule. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  checkTensor('broadcastTo', 'x', x)
  checkShape('broadcastTo', shape)
  if (sameShape(x.shape, shape)) return reshape(x, x.shape)
  return runOp('broadcast', [x], { shape })[0]
}
