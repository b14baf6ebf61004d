/** Quotients by a norm over the whole range of single precision, also where the norm itself overflows. */
import { type Expression, expression, normScale } from '@burgeon/tensor'

const { add, constant, divide, equal, input, less, maximum, multiply, select } = expression
const [x, norm, scaledNorm] = [input(0), input(1), input(2)]

// Where the norm may be too large for single precision (by its scaled value), or too small for an accurate
// quotient.
const isHuge = less(constant(2 ** 96 * normScale), scaledNorm)
const isTiny = less(norm, constant(2 ** -96))
const [down, up] = [constant(normScale), constant(1 / normScale)]
const numerator = select(isHuge, multiply(x, down), select(isTiny, multiply(x, up), x))

/**
 * Returns x/(‖·‖ + more) as a formula of inputs x, ‖·‖ and `normScale`·‖·‖, the two outputs of the op
 * `globalNorm`.
 */
export function overNorm(more: Expression): Expression {
  const sum = add(norm, more)
  const divisor = select(
    isHuge,
    add(scaledNorm, multiply(more, down)),
    select(isTiny, multiply(sum, up), sum),
  )
  return divide(numerator, divisor)
}

/** Returns a formula: 1 where ‖·‖ + more is at most `limit`, else 0, also for NaN. */
export function isWithin(limit: Expression, more: Expression): Expression {
  const isAtMost = (a: Expression, b: Expression): Expression => maximum(less(a, b), equal(a, b))
  return select(
    isHuge,
    isAtMost(add(scaledNorm, multiply(more, down)), multiply(limit, down)),
    isAtMost(add(norm, more), limit),
  )
}

/** x/‖·‖, and 0 where the norm is 0. */
export const unitDirection: Expression = select(equal(norm, constant(0)), constant(0), overNorm(constant(0)))
