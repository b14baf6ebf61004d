/** Argmax: where along the last axis the largest element stands. */
import { checkTensor } from '../../checks/check-tensor.ts'
import { run } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp, i32 } from '../../op.ts'
import { formatShape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export const argmaxOp = defineOp<object>()({
  name: 'argmax',
  takes: { x: 'f32' },
  infer([x]) {
    if (!x.shape.at(-1)) {
      throw new ShapeError(
        `argmax: got ${formatShape(x.shape)}; expected a last axis with at least one element.`,
      )
    }
    return [i32(x.shape.slice(0, -1))]
  },
  flops: ([x]) => sizeOf(x.shape),
})

/**
 * The index of the largest element along the last axis, `[..., N]` to `i32 [...]`; the first of equals. NaN counts as larger than
 * anything, as in NumPy, PyTorch and JAX: a row with NaN has the index of its first.
 */
export function argmax(x: Tensor): Tensor {
  checkTensor('argmax', 'x', x)
  return run('argmax', [x], {})[0]
}
