/** Linear: y = x·W + b, the bias added while the product is written back. */
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp, f32 } from '../../op.ts'
import { formatShape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { add } from '../elementwise/arithmetic.ts'
import { matmul } from '../matmul/matmul.ts'

export const linearOp = defineOp<object>()({
  name: 'linear',
  takes: { x: 'f32', W: 'f32', b: 'f32' },
  infer([x, w, b]) {
    const n = x.shape[0]
    const k = x.shape[1]
    const m = w.shape[1]
    if (
      x.shape.length !== 2 ||
      w.shape.length !== 2 ||
      w.shape[0] !== k ||
      b.shape.length !== 1 ||
      b.shape[0] !== m
    ) {
      throw new ShapeError(
        `linear: shapes do not fit. Got x${formatShape(x.shape)}, W${formatShape(w.shape)} and b${formatShape(b.shape)}; ` +
          'expected x[N, K], W[K, M] and b[M].',
      )
    }
    return [f32([n, m])]
  },
  flops: ([x, w]) => 2 * sizeOf(x.shape) * w.shape[1],
  definition: ([x, w, b]) => [add(matmul(x, w), b)],
})

/** `x[N, K] · W[K, M] + b[M]`, giving `[N, M]`. */
export function linear(x: Tensor, w: Tensor, b: Tensor): Tensor {
  checkTensor('linear', 'x', x)
  checkTensor('linear', 'w', w)
  checkTensor('linear', 'b', b)
  return runOp('linear', [x, w, b], {})[0]
}
