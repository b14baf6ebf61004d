/** Argmax: the index of the largest element along the last axis. */
import { checkAxis } from '../../checks/check-axis.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp, i32 } from '../../op.ts'
import { scope } from '../../scope.ts'
import { formatShape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { negate } from '../elementwise/arithmetic.ts'
import { permute } from '../permute/permute.ts'

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
 * The index of the largest element along `axis`, by default the last, as `i32` without that axis; the first
 * of equals. NaN counts as larger than any number, as in NumPy, PyTorch and JAX: a row with NaN has the index
 * of its first.
 *
 * @param x `f32`.
 * @throws ShapeError for an axis without elements.
 */
export function argmax(x: Tensor, axis = -1): Tensor {
  return indexAlong('argmax', x, axis, (rows) => rows)
}

/** The index of the smallest element along `axis`; the first of equals, or of NaN, as `argmax`. */
export function argmin(x: Tensor, axis = -1): Tensor {
  return indexAlong('argmin', x, axis, negate)
}

function indexAlong(op: string, x: Tensor, axis: number, of: (rows: Tensor) => Tensor): Tensor {
  checkTensor(op, 'x', x)
  const { shape } = x
  const at = shape.length === 0 ? -1 : checkAxis(op, axis, shape.length)
  if (x.dtype !== 'f32' || !shape[at]) {
    throw new ShapeError(
      `${op}: got ${x.dtype}${formatShape(shape)} and axis ${axis}; expected f32 with at least one element along that axis.`,
    )
  }
  const last = shape.length - 1
  if (at === last && op === 'argmax') return runOp('argmax', [x], {})[0]
  return scope(() => {
    const order = [...shape.keys()].filter((i) => i !== at)
    const rows = at === last ? x : permute(x, [...order, at])
    return runOp('argmax', [of(rows)], {})[0]
  })
}
