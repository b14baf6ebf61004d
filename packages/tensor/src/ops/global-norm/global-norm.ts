/** Global norm: √(Σ x²) over all elements of all tensors, as one number. */
import { run } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp, f32 } from '../../op.ts'
import { formatShape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { add, sqrt, square } from '../elementwise/arithmetic.ts'
import { sum } from '../reduce/reduce.ts'

export const globalNormOp = defineOp<object>()({
  name: 'globalNorm',
  takes: 'several',
  // any number of tensors, at least one → scalar
  infer(inputs) {
    const whole = inputs.find((x) => x.dtype !== 'f32')
    if (whole)
      throw new ShapeError(`globalNorm: got ${whole.dtype}${formatShape(whole.shape)}; expected f32 tensors.`)
    return [f32([])]
  },
  flops: (inputs) => inputs.reduce((total, x) => total + 2 * sizeOf(x.shape), 0),
  definition: (inputs) => [sqrt(inputs.map((x) => sum(square(x))).reduce((a, b) => add(a, b)))],
})

/** √(Σ x²) over every element of every tensor. */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  return run('globalNorm', tensors, {})[0]
}
