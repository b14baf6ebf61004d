/** Pad: a tensor inside a larger one of zeros. The adjoint of slice. */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp } from '../../op.ts'
import { formatShape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export interface PadAttrs {
  /** Zeros before the first and after the last element of each axis. */
  readonly before: readonly number[]
  readonly after: readonly number[]
}

export const padOp = defineOp<PadAttrs>()({
  name: 'pad',
  movement: true,
  takes: { x: 'any' },
  infer([x], { before, after }) {
    const valid = (list: readonly number[]): boolean =>
      list.length === x.shape.length && list.every((n) => Number.isInteger(n) && n >= 0)
    if (!valid(before) || !valid(after)) {
      throw new ShapeError(
        `pad: got ${formatShape(before)} and ${formatShape(after)} for ${formatShape(x.shape)}; ` +
          'expected one non-negative integer per axis in each.',
      )
    }
    return [{ shape: x.shape.map((n, i) => before[i] + n + after[i]), dtype: x.dtype }]
  },
})

/** Surrounds `x` with zeros. */
export function pad(x: Tensor, before: readonly number[], after: readonly number[]): Tensor {
  checkTensor('pad', 'x', x)
  checkArgument('pad', 'before', before, checks.integers)
  checkArgument('pad', 'after', after, checks.integers)
  return runOp('pad', [x], { before, after })[0]
}
