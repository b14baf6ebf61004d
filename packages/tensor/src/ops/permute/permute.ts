/** Permute: reorders axes. */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp } from '../../op.ts'
import { formatShape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export interface PermuteAttrs {
  /** Axis `i` of the output is axis `order[i]` of the input. */
  readonly order: readonly number[]
}

export const permuteOp = defineOp<PermuteAttrs>()({
  name: 'permute',
  movement: true,
  takes: { x: 'any' },
  infer([x], { order }) {
    if (order.length !== x.shape.length || [...order].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
      throw new ShapeError(
        `permute: got order ${formatShape(order)} for ${formatShape(x.shape)}; expected every axis exactly once.`,
      )
    }
    return [{ shape: order.map((axis) => x.shape[axis]), dtype: x.dtype }]
  },
})

/** Axis `i` of the result is axis `order[i]` of `x`. */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  checkTensor('permute', 'x', x)
  checkArgument('permute', 'order', order, checks.integers)
  return runOp('permute', [x], { order })[0]
}

/** Swaps the last two axes. */
export function transpose(x: Tensor): Tensor {
  checkTensor('transpose', 'x', x)
  const rank = x.shape.length
  if (rank < 2) throw new ShapeError(`transpose: got ${formatShape(x.shape)}; expected rank 2 or more.`)
  return permute(x, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2])
}
