/** Cast: the same numbers in another element type. */
import { checkTensor } from '../../checks/check-tensor.ts'
import { checkDType, type DType } from '../../dtype.ts'
import { input } from '../../expression/expression.ts'
import type { Tensor } from '../../tensor.ts'
import { reshape } from '../reshape/reshape.ts'
import { elementwise } from './elementwise.ts'

/**
 * Converts `x` to `dtype`: `f32` to `i32` cuts the fraction off, `i32` to `f32` rounds beyond 2²⁴. Numbers
 * that an `i32` cannot hold (NaN, infinities, 2³¹ and more) become some integer. Comparisons return `f32`;
 * cast to `i32`, they are masks of `attention`. Integers pass on no gradient.
 *
 * @throws OptionError for an element type that does not exist.
 * @example
 * ```ts
 * const isPositive = cast(greater(tensor([1, -1]), 0), 'i32')
 * ```
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkTensor('cast', 'x', x)
  checkDType('cast', dtype)
  return x.dtype === dtype ? reshape(x, x.shape) : elementwise(input(0), [x], [], dtype)
}
