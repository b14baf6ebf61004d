/** Reorder: moves numbers along the last axis to the places that indices give, or back, as sorting does. */
import * as checks from '../../checks/checks.ts'
import { checkOptions } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp, movesOnly } from '../../op.ts'
import { formatShape, sameShape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export interface ReorderAttrs {
  /** Numbers go to the indices, instead of coming from there. */
  readonly inverse: boolean
}

export const reorderOp = defineOp<ReorderAttrs>()({
  name: 'reorder',
  takes: { x: 'any', indices: 'i32' },
  // x[…, N], indices[…, N] → [..., N]
  infer([x, indices]) {
    if (x.shape.length === 0 || !sameShape(x.shape, indices.shape)) {
      throw new ShapeError(
        `reorder: got x${formatShape(x.shape)} and indices${formatShape(indices.shape)}; expected one shape with a last axis.`,
      )
    }
    return [{ shape: x.shape, dtype: x.dtype }]
  },
  flops: movesOnly,
})

/** Options of `reorder`. */
export interface ReorderOptions {
  /** Numbers go to the indices instead of coming from there. Default false. */
  readonly inverse?: boolean
}

/**
 * Puts the numbers of each row in another order, `out[…, i] = x[…, indices[…, i]]`; or with `inverse` back,
 * `out[…, indices[…, i]] = x[…, i]`.
 *
 * @param indices `i32`, of the shape of `x`. Each row must hold 0 to N − 1 in some order, as the indices of
 *   `sort` along the last axis do. CPU devices throw IndexError for an index outside of the row; WebGPU
 *   leaves it out.
 * @throws ShapeError unless both have one shape with at least one axis.
 */
export function reorder(x: Tensor, indices: Tensor, options: ReorderOptions = {}): Tensor {
  checkTensor('reorder', 'x', x)
  checkTensor('reorder', 'indices', indices)
  checkOptions('reorder', options, { inverse: checks.boolean })
  return runOp('reorder', [x, indices], { inverse: options.inverse ?? false })[0]
}
