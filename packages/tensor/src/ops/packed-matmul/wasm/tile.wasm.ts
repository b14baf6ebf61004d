/** The frame of packed kernels: tiles of a few rows of x and a few rows of W. */
import {
  f32x4,
  type FunctionBuilder,
  i32,
  i32x4,
  type Local,
  type Value,
} from '../../../backends/wasm/assembler/index.ts'

/** Rows of x and rows of W whose products are summed side by side. */
export interface Tile {
  readonly x: number
  readonly w: number
}

/**
 * x: numbers or codes, `xRow` bytes each row. scales and sums: of the blocks of its rows, `blockRow` bytes
 * each row. w: packed rows; y: results; count: how many tiles of rows of W, whose rows lie `count` rows
 * apart; width: numbers of a row that are multiplied, a multiple of what is read at once.
 */
export const kernelParameters = {
  x: 'i32',
  xRow: 'i32',
  scales: 'i32',
  sums: 'i32',
  blockRow: 'i32',
  w: 'i32',
  wRow: 'i32',
  headerBytes: 'i32',
  y: 'i32',
  yRow: 'i32',
  count: 'i32',
  width: 'i32',
} as const

export type Places = { readonly [Name in keyof typeof kernelParameters]: Local<'i32'> }

/** Stores lane 0 of a result. */
type Store = (x: number, w: number, value: Value<'v128'>) => void

/**
 * Runs `body` for each tile, with the addresses of its rows of x and of W. The rows of W lie far apart, so
 * that each is one of a stream that is read from front to back: memory gives a third more to four streams
 * than to one, and half to four rows side by side.
 */
export function eachTile(
  b: FunctionBuilder,
  p: Places,
  tile: Tile,
  body: (xs: readonly Value<'i32'>[], ws: readonly Value<'i32'>[], store: Store) => void,
): void {
  const rowsFrom = (first: Value<'i32'>, row: Value<'i32'>, count: number): Value<'i32'>[] =>
    Array.from({ length: count }, (_, i) => b.let(i32.add(first, i32.mul(row, i))))
  const xs = rowsFrom(p.x, p.xRow, tile.x)
  const ys = rowsFrom(p.y, p.yRow, tile.x)
  const [far, farResult] = [b.let(i32.mul(p.wRow, p.count)), b.let(i32.shl(p.count, 2))]
  const done = b.local('i32', 0)
  b.repeat(p.count, () => {
    body(xs, rowsFrom(p.w, far, tile.w), (x, w, value) => {
      b.storeLane(i32.add(i32.add(ys[x], done), i32.mul(farResult, w)), value, 0)
    })
    b.advance(p.w, p.wRow)
    b.advance(done, 4)
  })
}

/** The sum of four lanes, in every lane. */
export function sumOfLanes(b: FunctionBuilder, x: Value<'v128'>): Value<'v128'> {
  const sum = b.let(x)
  const halves = b.let(f32x4.add(sum, i32x4.shuffle(sum, sum, [2, 3, 0, 1])))
  return b.let(f32x4.add(halves, i32x4.shuffle(halves, halves, [1, 0, 3, 2])))
}
