/**
 * Step functions: whole numbers of `f32` near a number, and its sign. No gradient flows. NaN stays NaN, and
 * −0 stays −0.
 */
import * as e from '../../expression/expression.ts'
import type { Expression } from '../../expression/expression.ts'
import type { Tensor } from '../../tensor.ts'
import { unary } from './by-name.ts'

const c = e.constant
const ceilOf = (a: Expression): Expression => e.negate(e.floor(e.negate(a)))

/** The largest integer that is not above a. */
export const floor: (a: Tensor) => Tensor = unary('floor', e.floor)
/** The smallest integer that is not below a. */
export const ceil: (a: Tensor) => Tensor = unary('ceil', ceilOf)
/** The nearest integer, and of two equally near the even one, as in NumPy and PyTorch: 2 for 2.5. */
export const round: (a: Tensor) => Tensor = unary('round', (a) => {
  const size = e.abs(a)
  const below = e.floor(size)
  // The fraction, from 0 to 1, without rounding.
  const rest = e.subtract(size, below)
  const isOdd = e.subtract(below, e.multiply(c(2), e.floor(e.multiply(c(0.5), below))))
  const above = e.add(below, c(1))
  const nearest = e.select(
    e.less(rest, c(0.5)),
    below,
    e.select(e.less(c(0.5), rest), above, e.add(below, isOdd)),
  )
  const signed = e.select(e.less(a, c(0)), e.negate(nearest), nearest)
  // A number that is whole already may be infinite, or −0.
  return e.select(e.equal(below, size), e.floor(a), signed)
})
/** 1 above 0, −1 below 0, and 0 at 0. */
export const sign: (a: Tensor) => Tensor = unary('sign', (a) =>
  // The floor of 0 is 0 and that of NaN is NaN, and it has no gradient.
  e.select(e.less(a, c(0)), c(-1), e.select(e.less(c(0), a), c(1), e.floor(a))),
)
