/**
 * Assign: writes into a tensor in place, or adds to it. The only way, with the optimizer, to change a
 * parameter.
 */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp, movesOnly } from '../../op.ts'
import { formatShape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export interface AssignAttrs {
  /** Where the box of `source` begins in `target`, one per axis. */
  readonly start: readonly number[]
  readonly mode: 'set' | 'add'
}

export const assignOp = defineOp<AssignAttrs>()({
  name: 'assign',
  takes: { target: 'any', source: 'any' },
  mutates: [0],
  infer([target, source], { start }) {
    const fits = (i: number): boolean =>
      Number.isInteger(start[i]) && start[i] >= 0 && start[i] + source.shape[i] <= target.shape[i]
    const ranksFit = source.shape.length === target.shape.length && start.length === target.shape.length
    if (!ranksFit || source.dtype !== target.dtype || !target.shape.every((_, i) => fits(i))) {
      throw new ShapeError(
        `assign: got source ${source.dtype}${formatShape(source.shape)} at ${formatShape(start)} of target ` +
          `${target.dtype}${formatShape(target.shape)}; expected it to fit inside, with the same element type.`,
      )
    }
    return []
  },
  flops: movesOnly,
})

/** Overwrites the box of `target` that begins at `start`, by default its origin, with `source`. */
export function assign(target: Tensor, source: Tensor, start?: readonly number[]): void {
  checkTensor('assign', 'target', target)
  checkTensor('assign', 'source', source)
  if (start !== undefined) checkArgument('assign', 'start', start, checks.integers)
  runOp('assign', [target, source], { start: start ?? target.shape.map(() => 0), mode: 'set' })
}

/** Adds `source` (same shape) to `target` in place. */
export function addInto(target: Tensor, source: Tensor): void {
  checkTensor('addInto', 'target', target)
  checkTensor('addInto', 'source', source)
  runOp('assign', [target, source], { start: target.shape.map(() => 0), mode: 'add' })
}
