/**
 * Loops over the numbers of a row, four at a time and then one at a time, from one description of the work.
 */
import {
  f32,
  f32x4,
  f64,
  type FunctionBuilder,
  i32,
  i32x4,
  select,
  type Value,
  v128,
} from '../assembler/index.ts'

/**
 * Number of terms that are summed in single precision; the sums of such blocks are added in double precision.
 */
export const blockTerms = 64
/** Bytes of a block in each lane of a row. */
const blockBytes = 16 * blockTerms

/** Minimum of numbers to be read or written that are worth giving to another thread. */
export const minNumbers = 8192

/** How an iteration of the loop reads and writes: a whole vector, or lane 0 alone with zeros beside it. */
export interface RowAccess {
  load(pointer: Value<'i32'>, offset?: number): Value<'v128'>
  store(pointer: Value<'i32'>, value: Value<'v128'>, offset?: number): void
  /**
   * Returns `value` with `nothing` in the lanes that are not elements, so that they do not count in a sum or
   * a maximum.
   */
  fillWith(value: Value<'v128'>, nothing: Value<'v128'>): Value<'v128'>
}

/**
 * Runs `body` for every element of a row.
 *
 * @param bytes Size of the row, a multiple of 4.
 * @param body Takes the offset in bytes from the row's start.
 */
export function forRow(
  b: FunctionBuilder,
  bytes: Value<'i32'>,
  body: (at: Value<'i32'>, access: RowAccess) => void,
): void {
  const end = b.let(bytes)
  forStretch(b, i32.const(0), end, body)
}

/** Vectors of two cache lines. */
const wide = [0, 16, 32, 48, 64, 80, 96, 112]

/**
 * Runs `body` for all numbers of rows of one length, 32 at a time, then four, then one.
 *
 * @param body Takes addresses in each row, and the offsets there of the vectors or the number that are meant.
 */
export function forWideRow(
  b: FunctionBuilder,
  bytes: Value<'i32'>,
  rows: readonly Value<'i32'>[],
  body: (places: readonly Value<'i32'>[], offsets: readonly number[], access: RowAccess) => void,
): void {
  const starts = rows.map((row) => b.let(row))
  const whole = b.let(i32.and(bytes, -128))
  const placesAt = (at: Value<'i32'>): Value<'i32'>[] => starts.map((start) => b.let(i32.add(start, at)))
  b.forRange(0, whole, 128, (at) => body(placesAt(at), wide, vectors(b)))
  forRow(b, i32.sub(bytes, whole), (at, own) => body(placesAt(i32.add(whole, at)), [0], own))
}

/** Runs `body` for the elements from one offset in bytes to another, a multiple of 4 after it. */
function forStretch(
  b: FunctionBuilder,
  start: Value<'i32'>,
  end: Value<'i32'>,
  body: (at: Value<'i32'>, access: RowAccess) => void,
): void {
  const whole = b.let(i32.add(start, i32.and(i32.sub(end, start), ~15)))
  b.forRange(start, whole, 16, (at) => body(at, vectors(b)))
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

/**
 * Sums a term over a row, in every lane, within some 70 roundings of the sum however long the row (Higham
 * 2002, section 4.2).
 *
 * Each block is summed in four lanes, which are joined in a fixed order; blocks are added in double
 * precision.
 */
export function sumOfRow(
  b: FunctionBuilder,
  bytes: Value<'i32'>,
  term: (at: Value<'i32'>, access: RowAccess) => Value<'v128'>,
): Value<'v128'> {
  const end = b.let(bytes)
  const first = b.local('i32', 0)
  const total = b.local('f64', 0)
  b.while(i32.ltU(first, end), () => {
    const left = b.let(i32.sub(end, first))
    const next = b.let(i32.add(first, select(i32.ltU(left, blockBytes), left, i32.const(blockBytes))))
    const block = b.local('v128', f32x4.splat(0))
    forStretch(b, first, next, (at, access) => {
      b.set(block, f32x4.add(block, access.fillWith(term(at, access), f32x4.splat(0))))
    })
    const joined = acrossLanes(b, block, f32x4.add)
    b.set(total, f64.add(total, f64.promoteF32(f32x4.extractLane(joined, 0))))
    b.set(first, next)
  })
  return b.let(f32x4.splat(f32.demoteF64(total)))
}

/** Returns the largest term of a row, in every lane; NaN if any term is. */
export function maxOfRow(
  b: FunctionBuilder,
  bytes: Value<'i32'>,
  term: (at: Value<'i32'>, access: RowAccess) => Value<'v128'>,
): Value<'v128'> {
  return overRow(b, bytes, term, f32x4.max, () => f32x4.splat(-Infinity))
}

/** Combines a term over a row, in every lane, where the order does not matter. */
export function overRow(
  b: FunctionBuilder,
  bytes: Value<'i32'>,
  term: (at: Value<'i32'>, access: RowAccess) => Value<'v128'>,
  combine: (x: Value<'v128'>, y: Value<'v128'>) => Value<'v128'>,
  nothing: () => Value<'v128'>,
): Value<'v128'> {
  const total = b.local('v128', nothing())
  forRow(b, bytes, (at, access) => {
    b.set(total, combine(total, access.fillWith(term(at, access), nothing())))
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
