/** For optimisers that mix the numbers of a gradient: one that is not finite would spoil them all. */
import { elementwise, type Expression, expression, max, type Tensor } from '@burgeon/tensor'

const { abs, constant, input, less, select } = expression
const isBad = select(less(abs(input(0)), constant(Infinity)), constant(0), constant(1))

/** 1 if any number of the gradient is infinite or NaN, else 0; shape []. */
export function spoilt(gradient: Tensor): Tensor {
  return max(elementwise(isBad, [gradient]))
}

/** `x`, or `otherwise` where `flag` (of `spoilt`) is 1. */
export function unlessSpoilt(flag: Expression, x: Expression, otherwise: Expression): Expression {
  return select(less(flag, constant(0.5)), x, otherwise)
}
