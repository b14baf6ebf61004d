/**
 * Arithmetic by name: thin compositions over `elementwise`. A number among the arguments is passed as data.
 */
import { checkOptions } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import * as checks from '../../checks/checks.ts'
import { OptionError } from '../../errors.ts'
import * as e from '../../expression/expression.ts'
import type { Expression } from '../../expression/expression.ts'
import type { Tensor } from '../../tensor.ts'
import { type Binary, binary, unary } from './by-name.ts'
import { elementwise } from './elementwise.ts'

const x = e.input(0)
const c = e.constant

/** a + b. */
export const add: Binary = binary('add', e.add)
/** a − b. */
export const subtract: Binary = binary('subtract', e.subtract)
/** a · b. */
export const multiply: Binary = binary('multiply', e.multiply)
/** a / b. */
export const divide: Binary = binary('divide', e.divide)
/** The smaller of a and b; of equals, each gets half of the gradient. */
export const minimum: Binary = binary('minimum', e.minimum)
/** The larger of a and b; of equals, each gets half of the gradient. */
export const maximum: Binary = binary('maximum', e.maximum)
/**
 * a to the power of b, as in C: NaN for a negative a unless b is whole; 1 where b is 0 or a is 1, whatever
 * the other is. Its gradients are PyTorch's: 0 by a where b is 0, and 0 by b where a is 0 and b is not
 * negative.
 */
export const pow: Binary = (a, b) => {
  const short = typeof a === 'number' ? undefined : shortPowers.get(b)
  return short === undefined ? powerOf(a, b) : short(a as Tensor)
}
const powerOf = binary('pow', e.pow)
/** Powers that are computed as products and quotients, which are faster, and exact more often. */
const shortPowers: ReadonlyMap<Tensor | number, (a: Tensor) => Tensor> = new Map([
  [-1, unary('pow', (a) => e.divide(c(1), a))],
  [1, unary('pow', (a) => a)],
  [2, unary('pow', (a) => e.multiply(a, a))],
  [3, unary('pow', (a) => e.multiply(a, e.multiply(a, a)))],
])

/** Options of `clip`: one bound or both, each a number that is not NaN. */
export interface ClipOptions {
  readonly min?: number
  readonly max?: number
}

const aBound = checks.number({ infinite: true })
const [low, high] = [e.scalar(0), e.scalar(1)]
const raised = e.select(e.less(x, low), low, x)
const lowered = e.select(e.less(high, x), high, x)
const clipped = e.select(e.less(high, raised), high, raised)

/**
 * Limits a to the range from `min` to `max`; `max` where `min` is above it. The gradient is 1 at the bounds
 * and between them. NaN stays NaN.
 *
 * @throws OptionError without any bound.
 */
export function clip(a: Tensor, options: ClipOptions): Tensor {
  checkTensor('clip', 'a', a)
  checkOptions('clip', options, { min: aBound, max: aBound })
  const { min, max } = options
  if (min === undefined && max === undefined) {
    throw new OptionError('clip: got neither min nor max; expected one of them or both.')
  }
  if (max === undefined) return elementwise(raised, [a], [min as number])
  return min === undefined ? elementwise(lowered, [a], [0, max]) : elementwise(clipped, [a], [min, max])
}

/** −a. */
export const negate: (a: Tensor) => Tensor = unary('negate', e.negate)
/** |a|; its gradient at 0 is 0. */
export const abs: (a: Tensor) => Tensor = unary('abs', e.abs)
/** eᵃ. */
export const exp: (a: Tensor) => Tensor = unary('exp', e.exp)
/** eᵃ − 1, to full relative precision also near 0. */
export const expm1: (a: Tensor) => Tensor = unary('expm1', e.expm1)
/** The natural logarithm of a. */
export const log: (a: Tensor) => Tensor = unary('log', e.log)
/** The natural logarithm of 1 + a, to full relative precision also near 0. */
export const log1p: (a: Tensor) => Tensor = unary('log1p', e.log1p)
/** √a; NaN below 0. Its gradient at 0 is infinite. */
export const sqrt: (a: Tensor) => Tensor = unary('sqrt', e.sqrt)
/** The hyperbolic tangent of a. */
export const tanh: (a: Tensor) => Tensor = unary('tanh', e.tanh)
/** The Gauss error function of a. */
export const erf: (a: Tensor) => Tensor = unary('erf', e.erf)
/** The sine of a, in radians. */
export const sin: (a: Tensor) => Tensor = unary('sin', e.sin)
/** The cosine of a, in radians. */
export const cos: (a: Tensor) => Tensor = unary('cos', e.cos)
/** a². */
export const square: (a: Tensor) => Tensor = unary('square', (a) => e.multiply(a, a))
/** 1/(1 + e^(−a)). */
export const sigmoid: (a: Tensor) => Tensor = unary('sigmoid', e.sigmoid)
/** The larger of a and 0; its gradient at 0 is 0. */
export const relu: (a: Tensor) => Tensor = unary('relu', (a) =>
  // The floor of 0 is 0 and that of NaN is NaN, and it has no gradient.
  e.select(e.less(c(0), a), a, e.floor(e.maximum(a, c(0)))),
)
/** log(1 + eᵃ). Does not overflow, and is eᵃ where a is far below 0. */
export const softplus: (a: Tensor) => Tensor = unary('softplus', softplusOf)
/** log(1/(1 + e⁻ᵃ)). Does not overflow, and is −e⁻ᵃ where a is far above 0. */
export const logSigmoid: (a: Tensor) => Tensor = unary('logSigmoid', (a) =>
  e.subtract(e.select(e.less(a, c(0)), a, c(0)), e.log1p(expOfMinusAbs(a))),
)
/** a · sigmoid(a), also called swish (Elfwing et al. 2017). */
export const silu: (a: Tensor) => Tensor = unary('silu', (a) => e.multiply(a, e.sigmoid(a)))
/**
 * GELU in the tanh form of GPT-2: a/2 · (1 + tanh u), u = √(2/π)·(a + 0.044715·a³) (Hendrycks & Gimpel 2016,
 * section 2), computed as a · sigmoid(2u), which is the same and does not cancel for negative a.
 */
export const gelu: (a: Tensor) => Tensor = unary('gelu', (a) => {
  const cubed = e.multiply(a, e.multiply(a, a))
  const inner = e.multiply(c(2 * Math.sqrt(2 / Math.PI)), e.add(a, e.multiply(c(0.044715), cubed)))
  return e.multiply(a, e.sigmoid(inner))
})

/** The formula of `softplus`. */
export function softplusOf(a: Expression): Expression {
  return e.add(e.select(e.less(a, c(0)), c(0), a), e.log1p(expOfMinusAbs(a)))
}

/** e^(−|a|), at most 1. A choice of branches, because |a| has gradient 0 at 0 and these functions do not. */
function expOfMinusAbs(a: Expression): Expression {
  return e.exp(e.select(e.less(a, c(0)), a, e.negate(a)))
}
