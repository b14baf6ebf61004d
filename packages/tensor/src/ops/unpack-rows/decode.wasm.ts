/** Reads packed numbers as single floats, a step at a time, in WASM SIMD. */
import {
  f32x4,
  type FunctionBuilder,
  i16x8,
  i32x4,
  type Value,
  v128,
} from '../../backends/wasm/assembler/index.ts'
import type { PackedFormat } from '../../packed/packed-form.ts'

type Vector = Value<'v128'>

/** Numbers that are read at once, whose codes are 16 bytes. */
export const stepOf = (format: PackedFormat): number => {
  if (format === 'int4') return 32
  return format === 'int8' || format === 'int7' ? 16 : 8
}

/** Scale and minimum of a group, in every lane. */
export interface Scales {
  readonly scale: Vector
  readonly minimum?: Vector
}

/** Scale and minimum from the word of a group in every lane. */
export function groupScales(b: FunctionBuilder, word: Vector): Required<Scales> {
  const pair = b.let(word)
  return {
    scale: b.let(i32x4.shl(pair, 16)),
    minimum: b.let(v128.and(pair, i32x4.splat(0xffff0000))),
  }
}

/**
 * Calls `use` with four numbers after the other of the codes at `at`, whose scale is left out but for int4.
 *
 * @param scales Of int4.
 */
export function decodeStep(
  b: FunctionBuilder,
  format: PackedFormat,
  at: Value<'i32'>,
  scales: Scales | undefined,
  use: (numbers: Vector, index: number) => void,
): void {
  const words = b.let(v128.load(at))
  if (format === 'bf16') {
    use(b.let(i32x4.shl(words, 16)), 0)
    use(b.let(v128.and(words, i32x4.splat(0xffff0000))), 1)
    return
  }
  if (format === 'f16') {
    // Sign and magnitude 13 places up, the exponent still that of a half: 2¹¹² puts it right, and makes
    // numbers of those without a leading one, too.
    const numbers = (high: Vector): Vector =>
      b.let(f32x4.mul(v128.and(i32x4.shrS(high, 3), i32x4.splat(0x8fffe000)), f32x4.splat(2 ** 112)))
    use(numbers(i32x4.shl(words, 16)), 0)
    use(numbers(words), 1)
    return
  }
  if (format === 'int4') {
    const { scale, minimum } = scales as Required<Scales>
    // A brain float times four bits is exact, so one rounding is left.
    const number = (q: Vector): Vector => f32x4.add(f32x4.mul(f32x4.convertI32x4S(q), scale), minimum)
    lowNibbles(b, words).forEach((nibbles, half) => {
      const low = b.let(i16x8.extendLowI8x16U(nibbles))
      use(b.let(number(i32x4.extendLowI16x8U(low))), 4 * half)
      use(b.let(number(i32x4.extendHighI16x8U(low))), 4 * half + 1)
      const high = b.let(i16x8.extendHighI8x16U(nibbles))
      use(b.let(number(i32x4.extendLowI16x8U(high))), 4 * half + 2)
      use(b.let(number(i32x4.extendHighI16x8U(high))), 4 * half + 3)
    })
    return
  }
  const low = b.let(i16x8.extendLowI8x16S(words))
  use(b.let(f32x4.convertI32x4S(i32x4.extendLowI16x8S(low))), 0)
  use(b.let(f32x4.convertI32x4S(i32x4.extendHighI16x8S(low))), 1)
  const high = b.let(i16x8.extendHighI8x16S(words))
  use(b.let(f32x4.convertI32x4S(i32x4.extendLowI16x8S(high))), 2)
  use(b.let(f32x4.convertI32x4S(i32x4.extendHighI16x8S(high))), 3)
}

/** The codes of 32 numbers, a byte each: the first 16, then the others. */
export function lowNibbles(b: FunctionBuilder, words: Vector): readonly [Vector, Vector] {
  const mask = i32x4.splat(0x0f0f0f0f)
  return [b.let(v128.and(words, mask)), b.let(v128.and(i32x4.shrU(words, 4), mask))]
}
