/** Global norm: √(Σ x²) over all elements of all tensors, as one number. */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import { runOp } from '../../engine.ts'
import { OptionError, ShapeError } from '../../errors.ts'
import * as e from '../../expression/expression.ts'
import { defineOp, f32 } from '../../op.ts'
import { formatShape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { add, multiply, square } from '../elementwise/arithmetic.ts'
import { elementwise } from '../elementwise/elementwise.ts'
import { sum } from '../reduce/reduce.ts'

/**
 * Factor of the second output: the norm of finite numbers may be too large for single precision, the scaled
 * norm never is.
 */
export const normScale: number = 2 ** -64

// The gradient of a square root is infinite at 0; that of a norm counts as 0 there.
const root = e.select(e.equal(e.input(0), e.constant(0)), e.constant(0), e.sqrt(e.input(0)))

export const globalNormOp = defineOp<object>()({
  name: 'globalNorm',
  takes: 'several',
  // any number of tensors, at least one → norm scalar, 2⁻⁶⁴·norm scalar
  infer(inputs) {
    const whole = inputs.find((x) => x.dtype !== 'f32')
    if (whole)
      throw new ShapeError(`globalNorm: got ${whole.dtype}${formatShape(whole.shape)}; expected f32 tensors.`)
    return [f32([]), f32([])]
  },
  flops: (inputs) => inputs.reduce((total, x) => total + 2 * sizeOf(x.shape), 0),
  definition(inputs) {
    const squares = inputs.map((x) => sum(square(x))).reduce((a, b) => add(a, b))
    const norm = elementwise(root, [squares])
    return [norm, multiply(norm, normScale)]
  },
})

/**
 * √(Σ x²) over every element of every tensor.
 *
 * Squares neither overflow nor vanish: the result is right to rounding wherever single precision can hold it.
 * Its gradient at 0 is 0.
 */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  checkArgument('globalNorm', 'tensors', tensors, checks.tensors)
  if (tensors.length === 0) throw new OptionError('globalNorm: got no tensors; expected at least one.')
  return runOp('globalNorm', tensors, {})[0]
}
