/** Loops over the numbers of a row, four at a time and then one at a time, from one description of the work. */
import { f32x4, type FunctionBuilder, i32, i32x4, type Value, v128 } from './assembler/index.ts'

/** Numbers to be read or written that are worth handing to another thread. */
export const leastNumbers = 8192

/** How a turn of the loop reads and writes: a whole vector, or lane 0 alone with zeros beside it. */
export interface RowAccess {
  load(pointer: Value<'i32'>, offset?: number): Value<'v128'>
  store(pointer: Value<'i32'>, value: Value<'v128'>, offset?: number): void
  /** `value` with `nothing` in the lanes that are no elements, so that they do not count in a sum or a maximum. */
  fillWith(value: Value<'v128'>, nothing: Value<'v128'>): Value<'v128'>
}

/**
 * Runs `body` for every element of a row.
 *
 * @param bytes Size of the row, a multiple of 4.
 * @param body Gets the offset in bytes from the row's start.
 */
export function forRow(
  b: FunctionBuilder,
  bytes: Value<'i32'>,
  body: (at: Value<'i32'>, access: RowAccess) => void,
): void {
  const end = b.let(bytes)
  const whole = b.let(i32.and(end, ~15))
  b.forRange(0, whole, 16, (at) => body(at, vectors(b)))
  b.forRange(whole, end, 4, (at) => body(at, singles(b)))
}

function vectors(b: FunctionBuilder): RowAccess {
  return {
    load: (pointer, offset) => v128.load(pointer, offset),
    store: (pointer, value, offset) => b.store(pointer, value, offset),
    fillWith: (value) => value,
  }
}

function singles(b: FunctionBuilder): RowAccess {
  return {
    load: (pointer, offset) => v128.load32Zero(pointer, offset),
    store: (pointer, value, offset) => b.storeLane(pointer, value, 0, offset),
    fillWith: (value, nothing) => v128.bitselect(value, nothing, i32x4.const(-1, 0, 0, 0)),
  }
}

/** The sum of a term over a row, in every lane. Four partial sums, added in a fixed order at the end. */
export function sumOfRow(
  b: FunctionBuilder,
  bytes: Value<'i32'>,
  term: (at: Value<'i32'>, access: RowAccess) => Value<'v128'>,
): Value<'v128'> {
  return overRow(b, bytes, term, f32x4.add, 0)
}

/** The largest term of a row, in every lane; NaN if any is. */
export function maxOfRow(
  b: FunctionBuilder,
  bytes: Value<'i32'>,
  term: (at: Value<'i32'>, access: RowAccess) => Value<'v128'>,
): Value<'v128'> {
  return overRow(b, bytes, term, f32x4.max, -Infinity)
}

function overRow(
  b: FunctionBuilder,
  bytes: Value<'i32'>,
  term: (at: Value<'i32'>, access: RowAccess) => Value<'v128'>,
  combine: (x: Value<'v128'>, y: Value<'v128'>) => Value<'v128'>,
  nothing: number,
): Value<'v128'> {
  const total = b.local('v128', f32x4.splat(nothing))
  forRow(b, bytes, (at, access) => {
    b.set(total, combine(total, access.fillWith(term(at, access), f32x4.splat(nothing))))
  })
  return acrossLanes(b, total, combine)
}

/** Combines the four lanes and puts the result in each. */
function acrossLanes(
  b: FunctionBuilder,
  x: Value<'v128'>,
  combine: (x: Value<'v128'>, y: Value<'v128'>) => Value<'v128'>,
): Value<'v128'> {
  const halves = b.let(combine(x, i32x4.shuffle(x, x, [2, 3, 0, 1])))
  return b.let(combine(halves, i32x4.shuffle(halves, halves, [1, 0, 3, 2])))
}
