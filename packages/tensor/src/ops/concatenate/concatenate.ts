/** Concatenate: joins tensors along one axis. */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp } from '../../op.ts'
import { formatShape, normalizeAxes } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { reshape } from '../reshape/reshape.ts'

export interface ConcatenateAttrs {
  readonly axis: number
}

export const concatenateOp = defineOp<ConcatenateAttrs>()({
  name: 'concatenate',
  movement: true,
  takes: 'several',
  infer(inputs, { axis }) {
    const [first] = inputs
    normalizeAxes('concatenate', [axis], first.shape.length)
    for (const x of inputs) {
      const fits =
        x.shape.length === first.shape.length && x.shape.every((n, i) => i === axis || n === first.shape[i])
      if (!fits || x.dtype !== first.dtype) {
        throw new ShapeError(
          `concatenate: got ${inputs.map((t) => `${t.dtype}${formatShape(t.shape)}`).join(', ')} along axis ${axis}; ` +
            'expected one element type and equal sizes along every other axis.',
        )
      }
    }
    const total = inputs.reduce((n, x) => n + x.shape[axis], 0)
    return [{ shape: first.shape.map((n, i) => (i === axis ? total : n)), dtype: first.dtype }]
  },
})

/** Joins tensors along `axis` (counted from either end). */
export function concatenate(tensors: readonly Tensor[], axis = 0): Tensor {
  checkArgument('concatenate', 'tensors', tensors, checks.tensors)
  checkArgument('concatenate', 'axis', axis, checks.integer())
  const [first] = tensors
  if (first === undefined) throw new ShapeError('concatenate: got no tensor; expected at least one.')
  const [at] = normalizeAxes('concatenate', [axis], first.shape.length) as [number]
  if (tensors.length === 1) return reshape(first, first.shape)
  return runOp('concatenate', tensors, { axis: at })[0]
}
