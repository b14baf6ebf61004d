/** For optimizers that mix the numbers of a gradient: one that is not finite would spoil them all. */
import { elementwise, type Expression, expression, max, type Tensor } from '@burgeon/tensor'

const { abs, constant, input, less, scalar, select } = expression
const isBad = select(less(abs(input(0)), scalar(0)), constant(0), constant(1))

/** 1 if any number of the gradient is NaN or not below `largest` in size, else 0; shape []. */
export function hasNonFinite(gradient: Tensor, largest: number): Tensor {
  return max(elementwise(isBad, [gradient], [largest]))
}

/** `x`, or `otherwise` where `flag` (of `hasNonFinite`) is 1. */
export function unlessNonFinite(flag: Expression, x: Expression, otherwise: Expression): Expression {
  return select(less(flag, constant(0.5)), x, otherwise)
}
