/**
 * Vector functions on four single-precision lanes, called with `b.call(vectorMath.exp, { x })`.
 *
 * Each reduces its argument to a short interval and evaluates a minimax polynomial there (see
 * `math-coefficients.ts`). None uses a fused multiply-add, so the results are the same bits on every machine.
 * All of them return NaN for NaN.
 *
 * Largest errors, measured on every single-precision number against double precision, in units in the last
 * place (ulp) of the exact result: exp 1.39, log 0.86, sigmoid 2.49, tanh 1.32, erf 1.19, sin 1.58, cos 1.59
 * (the last two for |x| ≤ 10⁶); on every 601st number, expm1 2.18 and log1p 2.39.
 */
import {
  defineFunction,
  f32x4,
  f64x2,
  type FunctionBuilder,
  type FunctionDefinition,
  i32x4,
  v128,
  type Value,
} from '../assembler/index.ts'
import {
  cosResidual,
  erfExponentResidual,
  erfResidual,
  expResidual,
  logResidual,
  sinResidual,
  tanhResidual,
} from '../../../expression/math-coefficients.ts'

type Vector = Value<'v128'>
/** A function from four lanes to four lanes. */
export type VectorFunction = FunctionDefinition<{ readonly x: 'v128' }, Vector>
export type VectorFunctionName =
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'sigmoid'
  | 'tanh'
  | 'erf'
  | 'sin'
  | 'cos'

const { abs, add, demoteF64x2Zero, div, floor, lt, mul, pmax, pmin, sub } = f32x4

// Cody & Waite (1980): the high part has so few bits that its products with exponents are exact.
const ln2High = 0.693359375
const ln2Low = -2.1219444005469057e-4

/** `Σ cₖ xᵏ` by Horner's rule. */
export function polynomial(x: Vector, coefficients: readonly number[]): Vector {
  const [highest, ...lower] = coefficients.toReversed()
  return lower.reduce((sum: Vector, c) => add(mul(sum, x), c), f32x4.splat(highest))
}

/** Returns `magnitude` (not negative) with the sign of `x`. */
function withSignOf(x: Vector, magnitude: Vector): Vector {
  return v128.or(magnitude, v128.and(x, 0x80000000))
}

/**
 * `eᵗ = 2ⁿ eʳ` with `n = ⌊t / ln 2⌋` for −88 ≤ t ≤ 89.
 *
 * Rounding down makes `eʳ` lie in [1, 2), like a significand: so the exponent field for `n = 128` is that of
 * infinity exactly where `eᵗ` overflows, and the field for `n = −127` is that of zero.
 */
function exponential(b: FunctionBuilder, t: Vector): Vector {
  const n = b.let(floor(mul(t, Math.LOG2E)))
  const r = b.let(sub(sub(t, mul(n, ln2High)), mul(n, ln2Low)))
  const significand = add(add(mul(mul(r, r), polynomial(r, expResidual)), r), 1)
  // Adding 1.5 · 2²³ leaves an integer in the low bits of a float; with the exponent's bias it is a field of
  // 2ⁿ.
  const power = i32x4.shl(add(n, 1.5 * 2 ** 23 + 127), 23)
  return mul(significand, power)
}

/**
 * The exponential function. +Infinity above 88.72283; results below 2⁻¹²⁶ are flushed to 0, because subnormal
 * numbers slow processors down and no network needs them.
 */
const exp: VectorFunction = defineFunction('exp', { x: 'v128' }, (b, { x }) => {
  // pmin and pmax keep their first operand if it is NaN.
  return exponential(b, b.let(pmin(pmax(x, -88), 89)))
})

/**
 * `eˣ − 1`: with t = tanh(x/2), `2t + 2t² / (1 − t)` up to |x| = 1.25, of which x is by far the largest part
 * near 0, and by the exponential function beyond.
 */
const expm1: VectorFunction = defineFunction('expm1', { x: 'v128' }, (b, { x }) => {
  const half = b.let(mul(x, 0.5))
  const square = b.let(mul(half, half))
  const residual = b.let(mul(square, polynomial(square, tanhResidual)))
  const t = b.let(add(half, mul(half, residual)))
  const near = add(x, add(mul(x, residual), div(mul(mul(t, t), 2), sub(1, t))))
  const far = sub(exponential(b, b.let(pmin(pmax(x, -88), 89))), 1)
  return v128.bitselect(near, far, lt(abs(x), 1.25))
})

/** e ln 2 + ln(1 + f) for an integer e and √½ ≤ 1 + f < √2. */
function logarithm(b: FunctionBuilder, f: Vector, e: Vector): Vector {
  const square = b.let(mul(f, f))
  // e ln 2 + f − f²/2 + f³ P(f), smallest terms first.
  const small = add(mul(mul(square, f), polynomial(f, logResidual)), mul(e, ln2Low))
  return add(add(f, sub(small, mul(square, 0.5))), mul(e, ln2High))
}

/** Returns `finite` where x is positive and finite, and elsewhere the logarithm of the special number x. */
function logarithmAnywhere(x: Vector, finite: Vector): Vector {
  const positive = v128.bitselect(finite, x, lt(x, Infinity))
  const orNaN = v128.or(positive, lt(x, 0))
  return v128.bitselect(f32x4.splat(-Infinity), orNaN, f32x4.eq(x, 0))
}

/**
 * The bits of √½. x = 2ᵉ m with m in [√½, √2): subtracting them first lets the exponent field step at √½, not
 * at 1.
 */
export const sqrtHalf = 0x3f3504f3

/** The natural logarithm, also of subnormal numbers. log 0 = −Infinity; of a negative number it is NaN. */
const log: VectorFunction = defineFunction('log', { x: 'v128' }, (b, { x }) => {
  const isSubnormal = b.let(lt(x, 2 ** -126))
  const normal = v128.bitselect(mul(x, 2 ** 23), x, isSubnormal)
  const bits = b.let(i32x4.sub(normal, sqrtHalf))
  const exponent = i32x4.sub(i32x4.shrS(bits, 23), v128.and(isSubnormal, 23))
  const e = b.let(f32x4.convertI32x4S(exponent))
  const f = b.let(sub(i32x4.add(v128.and(bits, 0x7fffff), sqrtHalf), 1))
  return logarithmAnywhere(x, logarithm(b, f, e))
})

/**
 * The natural logarithm of 1 + x. Where 1 + x lies in [√½, √2), x itself is the f of `log`: no digit of it is
 * rounded away.
 */
const log1p: VectorFunction = defineFunction('log1p', { x: 'v128' }, (b, { x }) => {
  const y = b.let(add(x, 1))
  const bits = b.let(i32x4.sub(y, sqrtHalf))
  const exponent = b.let(i32x4.shrS(bits, 23))
  const rounded = sub(i32x4.add(v128.and(bits, 0x7fffff), sqrtHalf), 1)
  const f = b.let(v128.bitselect(x, rounded, i32x4.eq(exponent, 0)))
  return logarithmAnywhere(y, logarithm(b, f, b.let(f32x4.convertI32x4S(exponent))))
})

/** The logistic function, 1/(1 + e⁻ˣ). Below −88.7, where e⁻ˣ overflows, it is 0. */
const sigmoid: VectorFunction = defineFunction('sigmoid', { x: 'v128' }, (b, { x }) => {
  return div(1, add(exponential(b, b.let(pmin(pmax(f32x4.neg(x), -88), 89))), 1))
})

/** The hyperbolic tangent: with a = |x|, `a + a³ P(a²)` below 0.625 and `1 − 2 / (e²ᵃ + 1)` above. */
const tanh: VectorFunction = defineFunction('tanh', { x: 'v128' }, (b, { x }) => {
  // From 9.02 on the tangent rounds to 1.
  const a = b.let(pmin(abs(x), 10))
  const square = b.let(mul(a, a))
  const near = add(mul(mul(square, a), polynomial(square, tanhResidual)), a)
  const power = exponential(b, b.let(add(a, a)))
  const far = sub(1, div(2, add(power, 1)))
  return withSignOf(x, v128.bitselect(near, far, lt(a, 0.625)))
})

/** The Gauss error function: with a = |x|, `a + a P(a²)` below 0.925 and `1 − e^(−a − a Q(a))` above. */
const erf: VectorFunction = defineFunction('erf', { x: 'v128' }, (b, { x }) => {
  // From 3.92 on the error function rounds to 1.
  const a = b.let(pmin(abs(x), 4))
  const square = b.let(mul(a, a))
  const near = add(mul(a, polynomial(square, erfResidual)), a)
  const exponent = f32x4.neg(add(mul(a, polynomial(a, erfExponentResidual)), a))
  const far = sub(1, exponential(b, b.let(exponent)))
  return withSignOf(x, v128.bitselect(near, far, lt(a, 0.925)))
})

// π/2 in two parts (Cody & Waite): 33 bits, whose products with integers below 2²⁰ are exact in double
// precision, and the next 53.
const halfPiHigh = 1.5707963267341256
const halfPiLow = 6.077100506506192e-11

/**
 * `sin(x + quadrants · π/2)`.
 *
 * x = n π/2 + r with |r| ≤ π/4. The reduction is done in double precision: next to a multiple of π almost
 * every bit of x cancels.
 */
function sine(b: FunctionBuilder, x: Vector, quadrants: number): Vector {
  const shift = 1.5 * 2 ** 52
  const halves = [x, i32x4.shuffle(x, x, [2, 3, 2, 3])].map((half) => {
    const wide = b.let(f64x2.promoteLowF32x4(half))
    // As in `exponential`, the sum's low bits are the nearest integer.
    const integer = b.let(f64x2.add(f64x2.mul(wide, 2 / Math.PI), shift))
    const n = b.let(f64x2.sub(integer, shift))
    const high = f64x2.sub(wide, f64x2.mul(n, halfPiHigh))
    return { integer, rest: demoteF64x2Zero(f64x2.sub(high, f64x2.mul(n, halfPiLow))) }
  })
  const n = i32x4.shuffle(halves[0].integer, halves[1].integer, [0, 2, 4, 6])
  const quadrant = b.let(i32x4.add(n, quadrants))
  const rest = i32x4.shuffle(halves[0].rest, halves[1].rest, [0, 1, 4, 5])
  // Beyond 2⁵⁰ the rest is noise; it must at least not leave the polynomials' interval.
  const r = b.let(pmin(pmax(rest, -0.7854), 0.7854))
  const square = b.let(mul(r, r))
  const sin = add(mul(mul(square, r), polynomial(square, sinResidual)), r)
  const cos = add(sub(1, mul(square, 0.5)), mul(mul(square, square), polynomial(square, cosResidual)))
  const isOdd = i32x4.neg(v128.and(quadrant, 1))
  const isNegative = i32x4.shl(v128.and(quadrant, 2), 30)
  return v128.xor(v128.bitselect(cos, sin, isOdd), isNegative)
}

/**
 * The sine of an angle in radians, for |x| ≤ 10⁶. Beyond, the absolute error grows as |x| · 2⁻⁵², and from
 * 2⁵⁰ on the result is some number in [−1, 1]. The sine of ±Infinity is NaN, that of −0 is +0.
 */
const sin: VectorFunction = defineFunction('sin', { x: 'v128' }, (b, { x }) => sine(b, x, 0))

/** The cosine of an angle in radians, in the same range as `sin`. */
const cos: VectorFunction = defineFunction('cos', { x: 'v128' }, (b, { x }) => sine(b, x, 1))

/** The functions by the names that scalar expressions use. */
export const vectorMath: Readonly<Record<VectorFunctionName, VectorFunction>> = {
  exp,
  expm1,
  log,
  log1p,
  sigmoid,
  tanh,
  erf,
  sin,
  cos,
}
