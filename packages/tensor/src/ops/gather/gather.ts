/** Gather: rows of a table by index, as in an embedding. */
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp, movesOnly } from '../../op.ts'
import { formatShape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export const gatherOp = defineOp<object>()({
  name: 'gather',
  takes: { table: 'any', ids: 'i32' },
  infer([table, ids]) {
    if (table.shape.length === 0 || ids.dtype !== 'i32') {
      throw new ShapeError(
        `gather: got table ${formatShape(table.shape)} and ids ${ids.dtype}${formatShape(ids.shape)}; ` +
          'expected a table [V, ...] and i32 ids.',
      )
    }
    return [{ shape: [...ids.shape, ...table.shape.slice(1)], dtype: table.dtype }]
  },
  flops: movesOnly,
})

/**
 * `out[i…, :] = table[ids[i…], :]`.
 *
 * @param table `[V, …]`.
 * @param ids `i32 […]`, each in [0, V). CPU devices throw IndexError otherwise; WebGPU clamps.
 */
export function gather(table: Tensor, ids: Tensor): Tensor {
  checkTensor('gather', 'table', table)
  checkTensor('gather', 'ids', ids)
  return runOp('gather', [table, ids], {})[0]
}
