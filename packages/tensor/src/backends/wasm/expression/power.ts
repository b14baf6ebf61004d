/**
 * Powers on four single-precision lanes: xʸ = e^(y log|x|), with the logarithm and its product with y in
 * double precision, because the error of the exponent becomes that of the result. At zeros, infinities and
 * NaN the result is as in C.
 */
import { expResidual } from '../../../expression/math-coefficients.ts'
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
import { polynomial, sqrtHalf } from './math.ts'

type Vector = Value<'v128'>

/** Base and exponent, four lanes each. */
export type PowerFunction = FunctionDefinition<{ readonly x: 'v128'; readonly y: 'v128' }, Vector>

const { abs, add, demoteF64x2Zero, eq, floor, lt, mul, ne, sub } = f32x4

/** 2·artanh s = 2s·(1 + s²/3 + s⁴/5 + …): ten terms leave 10⁻¹⁶ for |s| ≤ 3 − 2√2. */
const terms = Array.from({ length: 10 }, (_, k) => 2 / (2 * k + 1))

/** y · log(2ᵉ(1 + f)) of two lanes, in double precision. */
function exponentOf(b: FunctionBuilder, f: Vector, e: Vector, y: Vector): Vector {
  const wide = b.let(f64x2.promoteLowF32x4(f))
  const s = b.let(f64x2.div(wide, f64x2.add(wide, 2)))
  const square = b.let(f64x2.mul(s, s))
  const [last, ...others] = terms.toReversed()
  const series = others.reduce<Vector>((sum, c) => f64x2.add(f64x2.mul(sum, square), c), f64x2.splat(last))
  const log = f64x2.add(f64x2.mul(f64x2.promoteLowF32x4(e), Math.LN2), f64x2.mul(s, series))
  return b.let(f64x2.mul(f64x2.promoteLowF32x4(y), log))
}

/** Computes aʸ for a positive and finite; the result is arbitrary elsewhere. */
function ofPositive(b: FunctionBuilder, a: Vector, y: Vector): Vector {
  const isSubnormal = b.let(lt(a, 2 ** -126))
  const normal = v128.bitselect(mul(a, 2 ** 23), a, isSubnormal)
  const bits = b.let(i32x4.sub(normal, sqrtHalf))
  const e = b.let(f32x4.convertI32x4S(i32x4.sub(i32x4.shrS(bits, 23), v128.and(isSubnormal, 23))))
  const f = b.let(sub(i32x4.add(v128.and(bits, 0x7fffff), sqrtHalf), 1))
  const upper = (x: Vector): Vector => i32x4.shuffle(x, x, [2, 3, 2, 3])
  const shift = 1.5 * 2 ** 52
  const halves = [[f, e, y] as const, [upper(f), upper(e), upper(y)] as const].map((parts) => {
    const t = exponentOf(b, ...parts)
    // The low bits of the sum are the integer below t / ln 2, or the one above where both are equally near.
    const integer = b.let(f64x2.add(f64x2.sub(f64x2.mul(t, Math.LOG2E), 0.5), shift))
    const rest = f64x2.sub(t, f64x2.mul(f64x2.sub(integer, shift), Math.LN2))
    return { integer, t: demoteF64x2Zero(t), rest: demoteF64x2Zero(rest) }
  })
  const join = (part: 't' | 'rest'): Vector =>
    b.let(i32x4.shuffle(halves[0][part], halves[1][part], [0, 1, 4, 5]))
  const [t, r] = [join('t'), join('rest')]
  const n = i32x4.shuffle(halves[0].integer, halves[1].integer, [0, 2, 4, 6])
  const significand = add(add(mul(mul(r, r), polynomial(r, expResidual)), r), 1)
  const inRange = mul(significand, i32x4.shl(i32x4.add(n, 127), 23))
  const orZero = v128.bitselect(f32x4.splat(0), inRange, lt(t, -87.4))
  return v128.bitselect(f32x4.splat(Infinity), orZero, lt(88.8, t))
}

/** xʸ. Results below 2⁻¹²⁶ are flushed to 0, as those of `exp`. */
export const power: PowerFunction = defineFunction('power', { x: 'v128', y: 'v128' }, (b, { x, y }) => {
  const a = b.let(abs(x))
  const isInfinite = b.let(eq(a, Infinity))
  const [isNegative, goesDown] = [b.let(lt(x, 0)), b.let(lt(y, 0))]
  // 0 and ∞ to a negative power are each other.
  const edge = v128.and(v128.xor(isInfinite, goesDown), f32x4.splat(Infinity))
  const isEdge = v128.or(isInfinite, eq(a, 0))
  const positive = v128.bitselect(edge, ofPositive(b, a, y), isEdge)
  const magnitude = b.let(v128.bitselect(f32x4.splat(1), positive, eq(a, 1)))
  const isWhole = b.let(eq(floor(y), y))
  const half = b.let(mul(y, 0.5))
  const isOdd = v128.and(isWhole, ne(floor(half), half))
  const signed = v128.or(magnitude, v128.and(v128.and(x, 0x80000000), isOdd))
  const hasNone = v128.andnot(v128.andnot(isNegative, isWhole), isInfinite)
  const isNaN = v128.or(v128.or(ne(x, x), ne(y, y)), hasNone)
  const result = v128.bitselect(f32x4.splat(Number.NaN), signed, isNaN)
  return v128.bitselect(f32x4.splat(1), result, v128.or(eq(y, 0), eq(x, 1)))
})
