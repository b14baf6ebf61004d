/**
 * Cumsum on WASM. Running sums of single precision are kept in double precision, so that long ones are as
 * accurate as short ones, and rounded where they are stored. Along the last axis four numbers are summed
 * among themselves first, so that only one addition waits for the one before; along other axes columns are
 * summed side by side.
 */
import {
  f32,
  f32x4,
  f64,
  f64x2,
  type FunctionBuilder,
  i32,
  i32x4,
  type Local,
  type Value,
  v128,
} from '../../backends/wasm/assembler/index.ts'
import { forRow, minNumbers } from '../../backends/wasm/loops/row-loop.ts'
import type { KernelFunctions, WasmBackend, WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import type { DType } from '../../dtype.ts'
import { linesOf } from './cumsum.ts'

export const cumsumWasm: WasmKernel<'cumsum'> = (backend, [x], [out], { axis, reverse }) => {
  const { outer, terms, inner } = linesOf(x.shape, axis)
  if (outer * terms * inner === 0) return
  const { rows, columns } = cumsumFunctions(backend, x.dtype, reverse)
  const bytes = 4 * terms * inner
  if (inner === 1) {
    backend.runOver(rows, outer, minNumbers / terms, (first, many) => {
      return [out.buffer + first * bytes, x.buffer + first * bytes, many, bytes]
    })
    return
  }
  // Each thread gets whole matrices, or columns if there is only one.
  const row = 4 * inner
  if (outer > 1) {
    backend.runOver(columns, outer, minNumbers / (terms * inner), (first, many) => {
      return [out.buffer + first * bytes, x.buffer + first * bytes, many, terms, row, row]
    })
    return
  }
  backend.runOver(columns, Math.ceil(inner / 4), minNumbers / (4 * terms), (first, many) => {
    return [
      out.buffer + 16 * first,
      x.buffer + 16 * first,
      1,
      terms,
      Math.min(16 * many, row - 16 * first),
      row,
    ]
  })
}

function cumsumFunctions(backend: WasmBackend, dtype: DType, reverse: boolean): KernelFunctions {
  return backend.functions(`cumsum ${dtype}${reverse ? ' reverse' : ''}`, (module) => {
    module.export('rows', { to: 'i32', from: 'i32', rows: 'i32', bytes: 'i32' }, (b, p) => {
      b.repeat(p.rows, () => {
        const at = b.local('i32', reverse ? p.bytes : 0)
        ;(dtype === 'f32' ? sumsOfFloats : sumsOfIntegers)(b, p, at, reverse)
        b.advance(p.to, p.bytes)
        b.advance(p.from, p.bytes)
      })
    })
    // biome-ignore format: `bytes` of a row that is `row` bytes long
    const parameters = {
      to: 'i32', from: 'i32', outer: 'i32', terms: 'i32', bytes: 'i32', row: 'i32',
    } as const
    module.export('columns', parameters, (b, p) => {
      const matrix = b.let(i32.mul(p.terms, p.row))
      const first = reverse ? b.let(i32.sub(matrix, p.row)) : i32.const(0)
      const step = reverse ? b.let(i32.sub(0, p.row)) : p.row
      b.repeat(p.outer, () => {
        forRow(b, p.bytes, (column, { load, store }) => {
          const at = b.local('i32', i32.add(column, first))
          const [low, high] = [b.local('v128', f64x2.splat(0)), b.local('v128', f64x2.splat(0))]
          b.repeat(p.terms, () => {
            const term = b.let(load(i32.add(p.from, at)))
            if (dtype === 'i32') b.set(low, i32x4.add(low, term))
            else {
              b.set(low, f64x2.add(low, f64x2.promoteLowF32x4(term)))
              b.set(high, f64x2.add(high, upperDoubles(term)))
            }
            store(i32.add(p.to, at), dtype === 'i32' ? low : round(b, low, high))
            b.advance(at, step)
          })
        })
        b.advance(p.to, matrix)
        b.advance(p.from, matrix)
      })
    })
  })
}

interface Row {
  readonly to: Value<'i32'>
  readonly from: Value<'i32'>
  readonly bytes: Value<'i32'>
}

/** Widens lanes 2 and 3 to double precision. */
const upperDoubles = (x: Value<'v128'>): Value<'v128'> =>
  f64x2.promoteLowF32x4(i32x4.shuffle(x, x, [2, 3, 2, 3]))

/** Rounds two pairs of doubles to four singles. */
function round(b: FunctionBuilder, low: Value<'v128'>, high: Value<'v128'>): Value<'v128'> {
  return b.let(i32x4.shuffle(f32x4.demoteF64x2Zero(low), f32x4.demoteF64x2Zero(high), [0, 1, 4, 5]))
}

/** Computes one row, from `at` on: whole vectors, then single numbers. */
function sumsOfFloats(
  b: FunctionBuilder,
  { to, from, bytes }: Row,
  at: Local<'i32'>,
  reverse: boolean,
): void {
  const total = b.local('v128', f64x2.splat(0))
  const none = f64x2.splat(0)
  /** Fills both lanes with the first or the second one. */
  const both = (x: Value<'v128'>, lane: 0 | 1): Value<'v128'> =>
    i32x4.shuffle(x, x, lane === 0 ? [0, 1, 0, 1] : [2, 3, 2, 3])
  const last = reverse ? 0 : 1
  /** Returns a pair's running sum, in the order of the walk. */
  const runningSum = (pair: Value<'v128'>): Value<'v128'> =>
    b.let(f64x2.add(pair, b.let(i32x4.shuffle(pair, none, reverse ? [2, 3, 4, 5] : [4, 5, 0, 1]))))
  b.repeat(b.let(i32.shrU(bytes, 4)), () => {
    if (reverse) b.advance(at, -16)
    const terms = b.let(v128.load(i32.add(from, at)))
    const pairs = [b.let(f64x2.promoteLowF32x4(terms)), b.let(upperDoubles(terms))]
    const [low, high] = pairs.map(runningSum)
    const [near, far] = reverse ? [high, low] : [low, high]
    const farther = b.let(f64x2.add(far, both(near, last)))
    const [first, second] = [b.let(f64x2.add(total, near)), b.let(f64x2.add(total, farther))]
    b.store(i32.add(to, at), reverse ? round(b, second, first) : round(b, first, second))
    b.set(total, both(second, last))
    if (!reverse) b.advance(at, 16)
  })
  const sum = b.local('f64', f64x2.extractLane(total, 0))
  b.repeat(b.let(i32.and(i32.shrU(bytes, 2), 3)), () => {
    if (reverse) b.advance(at, -4)
    b.set(sum, f64.add(sum, f64.promoteF32(f32.load(i32.add(from, at)))))
    b.store(i32.add(to, at), f32.demoteF64(sum))
    if (!reverse) b.advance(at, 4)
  })
}

function sumsOfIntegers(
  b: FunctionBuilder,
  { to, from, bytes }: Row,
  at: Local<'i32'>,
  reverse: boolean,
): void {
  const sum = b.local('i32', 0)
  b.repeat(b.let(i32.shrU(bytes, 2)), () => {
    if (reverse) b.advance(at, -4)
    b.set(sum, i32.add(sum, i32.load(i32.add(from, at))))
    b.store(i32.add(to, at), sum)
    if (!reverse) b.advance(at, 4)
  })
}
