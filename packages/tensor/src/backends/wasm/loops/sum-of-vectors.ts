/** Sums of many vectors, lane by lane: down the columns of a matrix, or over rows picked from one. */
import { f32x4, f64x2, type FunctionBuilder, i32, i32x4, select, type Value } from '../assembler/index.ts'
import { blockTerms } from './row-loop.ts'

/**
 * Sums terms beside each other, each within `blockTerms` roundings of its sum however many terms there are:
 * blocks in single precision, whose sums are added in double precision.
 *
 * @param count Number of terms.
 * @param width Number of vectors in a term.
 * @param term Returns the vectors of the next term; called once, in the innermost loop.
 * @param next Moves on to the next term.
 */
export function sumOfVectors(
  b: FunctionBuilder,
  count: Value<'i32'>,
  width: number,
  term: () => readonly Value<'v128'>[],
  next: () => void,
): Value<'v128'>[] {
  const left = b.local('i32', count)
  const totals = Array.from({ length: width }, () => ({
    low: b.local('v128', f32x4.splat(0)),
    high: b.local('v128', f32x4.splat(0)),
  }))
  b.while(left, () => {
    const many = b.let(select(i32.ltU(left, blockTerms), left, i32.const(blockTerms)))
    const sums = totals.map(() => b.local('v128', f32x4.splat(0)))
    b.repeat(many, () => {
      term().forEach((value, i) => b.set(sums[i], f32x4.add(sums[i], value)))
      next()
    })
    totals.forEach(({ low, high }, i) => {
      const upper = i32x4.shuffle(sums[i], sums[i], [2, 3, 2, 3])
      b.set(low, f64x2.add(low, f64x2.promoteLowF32x4(sums[i])))
      b.set(high, f64x2.add(high, f64x2.promoteLowF32x4(upper)))
    })
    b.set(left, i32.sub(left, many))
  })
  return totals.map(({ low, high }) =>
    b.let(i32x4.shuffle(f32x4.demoteF64x2Zero(low), f32x4.demoteF64x2Zero(high), [0, 1, 4, 5])),
  )
}
