/** Arithmetic by name: thin compositions over `elementwise`. A number among the arguments is passed as data. */
import { checkTensor } from '../../checks/check-tensor.ts'
import { OptionError } from '../../errors.ts'
import * as e from '../../expression/expression.ts'
import type { Expression } from '../../expression/expression.ts'
import type { Tensor } from '../../tensor.ts'
import { elementwise } from './elementwise.ts'

const x = e.input(0)
const y = e.input(1)
const s = e.scalar(0)
const c = e.constant

type Binary = (a: Tensor | number, b: Tensor | number) => Tensor

/** Makes a two-argument function that takes tensors and numbers in any place, but not two numbers. */
function binary(name: string, build: (a: Expression, b: Expression) => Expression): Binary {
  const [both, right, left] = [build(x, y), build(x, s), build(s, x)]
  return (a, b) => {
    if (typeof a !== 'number') checkTensor(name, 'a', a)
    if (typeof b !== 'number') checkTensor(name, 'b', b)
    if (typeof a !== 'number') {
      return typeof b === 'number' ? elementwise(right, [a], [b]) : elementwise(both, [a, b])
    }
    if (typeof b !== 'number') return elementwise(left, [b], [a])
    throw new OptionError(`${name}: got two numbers; expected at least one tensor.`)
  }
}

function unary(name: string, build: (a: Expression) => Expression): (a: Tensor) => Tensor {
  const expression = build(x)
  return (a) => {
    checkTensor(name, 'a', a)
    return elementwise(expression, [a])
  }
}

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
/** 1 where a < b, else 0. */
export const less: Binary = binary('less', e.less)
/** 1 where a = b, else 0. */
export const equal: Binary = binary('equal', e.equal)

/** Where `condition` is not 0, the element of `a`, else of `b`. */
export function where(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  checkTensor('where', 'condition', condition)
  checkTensor('where', 'a', a)
  checkTensor('where', 'b', b)
  return elementwise(e.select(x, y, e.input(2)), [condition, a, b])
}

/** −a. */
export const negate: (a: Tensor) => Tensor = unary('negate', e.negate)
/** |a|; its gradient at 0 is 0. */
export const abs: (a: Tensor) => Tensor = unary('abs', e.abs)
/** eᵃ. */
export const exp: (a: Tensor) => Tensor = unary('exp', e.exp)
/** eᵃ − 1, to full relative precision also near 0. */
export const expm1: (a: Tensor) => Tensor = unary('expm1', e.expm1)
/** Natural logarithm. */
export const log: (a: Tensor) => Tensor = unary('log', e.log)
/** The natural logarithm of 1 + a, to full relative precision also near 0. */
export const log1p: (a: Tensor) => Tensor = unary('log1p', e.log1p)
/** √a; NaN below 0. Its gradient at 0 is infinite. */
export const sqrt: (a: Tensor) => Tensor = unary('sqrt', e.sqrt)
/** The hyperbolic tangent of a. */
export const tanh: (a: Tensor) => Tensor = unary('tanh', e.tanh)
/** The Gauss error function. */
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
export const softplus: (a: Tensor) => Tensor = unary('softplus', (a) =>
  e.add(e.select(e.less(a, c(0)), c(0), a), e.log1p(expOfMinusAbs(a))),
)
/** log(1/(1 + e⁻ᵃ)). Does not overflow, and is −e⁻ᵃ where a is far above 0. */
export const logSigmoid: (a: Tensor) => Tensor = unary('logSigmoid', (a) =>
  e.subtract(e.select(e.less(a, c(0)), a, c(0)), e.log1p(expOfMinusAbs(a))),
)
/** a · sigmoid(a), also called swish (Elfwing et al. 2017). */
export const silu: (a: Tensor) => Tensor = unary('silu', (a) => e.multiply(a, e.sigmoid(a)))
/**
 * GELU in the tanh form of GPT-2: a/2 · (1 + tanh u), u = √(2/π)·(a + 0.044715·a³) (Hendrycks & Gimpel 2016, section 2),
 * computed as a · sigmoid(2u), which is the same and does not cancel for negative a.
 */
export const gelu: (a: Tensor) => Tensor = unary('gelu', (a) => {
  const cubed = e.multiply(a, e.multiply(a, a))
  const inner = e.multiply(c(2 * Math.sqrt(2 / Math.PI)), e.add(a, e.multiply(c(0.044715), cubed)))
  return e.multiply(a, e.sigmoid(inner))
})

/** e^(−|a|), at most 1. A choice of branches, because |a| has gradient 0 at 0 and these functions do not. */
function expOfMinusAbs(a: Expression): Expression {
  return e.exp(e.select(e.less(a, c(0)), a, e.negate(a)))
}
