/**
 * Rounding of numbers to codes in WASM SIMD: the arithmetic of `packed/round-row.ts`, four numbers at a time.
 */
import {
  f32x4,
  type FunctionBuilder,
  i32x4,
  i8x16,
  type Value,
  v128,
} from '../../backends/wasm/assembler/index.ts'
import { scaleMask, smallestRow } from '../../packed/round-row.ts'

type Vector = Value<'v128'>

/** The scale of a row in every lane, and what its codes are found with. */
export interface RowScale {
  readonly scale: Vector
  readonly half: Vector
  readonly inverse: Vector
  /** Ones where the scale is positive. */
  readonly isPositive: Vector
}

/** @param largest The largest magnitude in every lane, NaN if any number is. */
export function rowScale(b: FunctionBuilder, largest: Vector, max: number): RowScale {
  const whole = b.let(
    i32x4.add(f32x4.mul(largest, f32x4.splat(Math.fround(1 / max))), i32x4.splat(scaleMask)),
  )
  const rounded = v128.and(whole, i32x4.splat(~scaleMask))
  const seen = v128.and(rounded, f32x4.ge(largest, f32x4.splat(smallestRow)))
  const isFinite = f32x4.lt(largest, f32x4.splat(Infinity))
  const scale = b.let(v128.bitselect(seen, f32x4.splat(Number.NaN), isFinite))
  return {
    scale,
    half: b.let(f32x4.mul(scale, 0.5)),
    inverse: b.let(f32x4.div(f32x4.splat(1), scale)),
    isPositive: b.let(f32x4.gt(scale, f32x4.splat(0))),
  }
}

/** The codes of four numbers, as integers. */
export function codesOf(b: FunctionBuilder, x: Vector, row: RowScale, max: number): Vector {
  const one = f32x4.splat(1)
  const magnitude = b.let(f32x4.abs(x))
  const guess = b.let(
    f32x4.pmin(f32x4.floor(f32x4.add(f32x4.mul(magnitude, row.inverse), f32x4.splat(0.5))), f32x4.splat(max)),
  )
  const doubled = b.let(f32x4.add(guess, guess))
  const isMore = f32x4.le(f32x4.mul(f32x4.add(doubled, one), row.half), magnitude)
  const isLess = f32x4.gt(f32x4.mul(f32x4.sub(doubled, one), row.half), magnitude)
  const exact = b.let(f32x4.sub(f32x4.add(guess, v128.and(isMore, one)), v128.and(isLess, one)))
  const code = v128.and(f32x4.pmin(exact, f32x4.splat(max)), row.isPositive)
  const sign = v128.and(x, i32x4.splat(0x80000000))
  return b.let(i32x4.truncSatF32x4S(v128.or(code, sign)))
}

/** The low bytes of four integers, in lane 0. */
export const joinedBytes = (codes: Vector): Vector =>
  i8x16.shuffle(
    codes,
    codes,
    Array.from({ length: 16 }, (_, i) => (4 * i) % 16),
  )

/** The largest of four lanes, in every lane; NaN if any is. */
export function maxOfLanes(b: FunctionBuilder, x: Vector): Vector {
  const halves = b.let(f32x4.max(x, i32x4.shuffle(x, x, [2, 3, 0, 1])))
  return b.let(f32x4.max(halves, i32x4.shuffle(halves, halves, [1, 0, 3, 2])))
}
