/**
 * Scatter-add: sums rows into a table by index. The adjoint of gather; each row's terms are added in order of
 * position.
 */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp, f32 } from '../../op.ts'
import { formatShape, sameShape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export interface ScatterAddAttrs {
  /** V, the number of rows of the result. */
  readonly rows: number
}

export const scatterAddOp = defineOp<ScatterAddAttrs>()({
  name: 'scatterAdd',
  takes: { ids: 'i32', values: 'f32' },
  infer([ids, values], { rows }) {
    const rank = ids.shape.length
    if (ids.dtype !== 'i32' || !sameShape(values.shape.slice(0, rank), ids.shape)) {
      throw new ShapeError(
        `scatterAdd: got ids ${ids.dtype}${formatShape(ids.shape)} and values ${formatShape(values.shape)}; ` +
          "expected i32 ids and values whose shape begins with the ids'.",
      )
    }
    return [f32([rows, ...values.shape.slice(rank)])]
  },
  flops: ([, values]) => sizeOf(values.shape),
})

/**
 * `out[v, :] = Σ over i with ids[i] = v of values[i, :]`.
 *
 * @param ids `i32 […]`, each in [0, rows). CPU devices throw IndexError otherwise.
 * @param values `f32 [ids…, …]`.
 */
export function scatterAdd(ids: Tensor, values: Tensor, rows: number): Tensor {
  checkTensor('scatterAdd', 'ids', ids)
  checkTensor('scatterAdd', 'values', values)
  checkArgument('scatterAdd', 'rows', rows, checks.anyNumber)
  return runOp('scatterAdd', [ids, values], { rows })[0]
}
