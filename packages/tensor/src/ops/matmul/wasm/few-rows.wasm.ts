/**
 * A few rows times a matrix with adjacent columns: C = init + A·B, for a step of generation with several
 * texts. B is read once, as it lies, some of its rows at a time, which stay in a cache while a tile of C
 * after the other takes its terms from them. Every sum runs in the order of k, in the blocks and with the
 * roundings of `gemm`, so both give the same bits.
 */
import {
  defineFunction,
  f32x4,
  type FunctionBuilder,
  type FunctionDefinition,
  i32,
  type Local,
  select,
  type Value,
  v128,
} from '../../../backends/wasm/assembler/index.ts'
import { forRow } from '../../../backends/wasm/loops/row-loop.ts'
import { eachBlock } from './gemv.wasm.ts'
import { packB } from './pack.wasm.ts'
import { atMost } from './tile.wasm.ts'

/**
 * Rows of B whose terms are taken together; fewer where the same columns of all of them fall into few places
 * of the first cache, as those of rows do that lie whole pages apart.
 */
const chunk = { usual: 32, colliding: 8, page: 4096 }
/** Rows of a tile; its sums stay in registers. */
const tileRows = 4

// biome-ignore format: A, B, C, sizes, what C starts from (strides of 0 repeat it), room for m rows of n sums
const parameters = {
  a: 'i32', aRow: 'i32', b: 'i32', bRow: 'i32', c: 'i32', cRow: 'i32', m: 'i32', n: 'i32', k: 'i32',
  init: 'i32', initRow: 'i32', initColumn: 'i32', room: 'i32',
} as const

// biome-ignore format: A's first term, B's, how many, the tile of sums
const tileParameters = {
  a: 'i32', aRow: 'i32', b: 'i32', bRow: 'i32', terms: 'i32', sums: 'i32', sumsRow: 'i32',
} as const

/** Columns that are packed together where B has adjacent terms. */
export const panelColumns = 16

const anyParameters = { ...parameters, bColumn: 'i32', panel: 'i32' } as const

/**
 * Computes the product for an A with adjacent terms, and a B with adjacent columns or, with room for a
 * panel of `panelColumns`, adjacent terms.
 */
export function fewRowsKernel(fused: boolean): FunctionDefinition<typeof anyParameters, void> {
  const [byRows, pack] = [byRowsKernel(fused), packB(panelColumns)]
  return defineFunction('fewRows', anyParameters, (f, { bColumn, panel, ...p }) => {
    f.if(
      i32.eq(bColumn, 4),
      () => f.call(byRows, p),
      () => {
        const left = f.local('i32', p.n)
        f.while(left, () => {
          const n = f.let(atMost(left, panelColumns))
          f.call(pack, { to: panel, from: p.b, terms: p.k, columns: n, row: p.bRow, column: bColumn })
          f.call(byRows, { ...p, b: panel, bRow: i32.const(4 * panelColumns), n })
          f.advance(p.b, i32.mul(bColumn, n))
          f.advance(p.c, i32.shl(n, 2))
          f.advance(p.init, i32.mul(p.initColumn, n))
          f.set(left, i32.sub(left, n))
        })
      },
    )
  })
}

function byRowsKernel(fused: boolean): FunctionDefinition<typeof parameters, void> {
  const widths = [16, 4, 1].map((columns) => ({
    columns,
    kernels: Array.from({ length: tileRows }, (_, i) => tileKernel(tileRows - i, columns, fused)),
  }))
  return defineFunction('byRows', parameters, (f, p) => {
    const bytes = f.let(i32.shl(p.n, 2))
    const most = f.let(
      select(i32.and(p.bRow, chunk.page - 1), i32.const(chunk.usual), i32.const(chunk.colliding)),
    )
    const isLast = f.local('i32', i32.eq(p.init, p.c))
    const [sums, sumsRow] = [f.local('i32'), f.local('i32')]
    eachBlock(f, p.k, (terms) => {
      f.if(
        isLast,
        () => {
          f.set(sums, p.room)
          f.set(sumsRow, bytes)
          f.fill(sums, 0, i32.mul(p.m, bytes))
        },
        () => {
          f.set(sums, p.c)
          f.set(sumsRow, p.cRow)
          const [row, start] = [f.local('i32', p.c), f.local('i32', p.init)]
          f.repeat(p.m, () => {
            const from = f.local('i32', start)
            f.forRange(0, bytes, 4, (at) => {
              f.store(i32.add(row, at), i32.load(from))
              f.advance(from, p.initColumn)
            })
            f.advance(row, p.cRow)
            f.advance(start, p.initRow)
          })
        },
      )
      const left = f.local('i32', terms)
      f.while(left, () => {
        const some = f.let(select(i32.ltU(left, most), left, most))
        const at = f.local('i32', 0)
        const strips = (count: Value<'i32'>, { columns, kernels }: (typeof widths)[number]): void =>
          f.repeat(count, () => {
            const rest = { aRow: p.aRow, bRow: p.bRow, terms: some, sumsRow }
            const [a, tile] = [f.local('i32', p.a), f.local('i32', i32.add(sums, at))]
            const call = (kernel: (typeof kernels)[number]): void =>
              f.call(kernel, { a, b: i32.add(p.b, at), sums: tile, ...rest })
            f.repeat(i32.divU(p.m, tileRows), () => {
              call(kernels[0])
              f.advance(a, i32.mul(p.aRow, tileRows))
              f.advance(tile, i32.mul(sumsRow, tileRows))
            })
            kernels.slice(1).forEach((kernel, i) => {
              f.if(i32.eq(i32.and(p.m, tileRows - 1), tileRows - 1 - i), () => call(kernel))
            })
            f.advance(at, 4 * columns)
          })
        strips(i32.shrU(p.n, 4), widths[0])
        strips(i32.and(i32.shrU(p.n, 2), 3), widths[1])
        strips(i32.and(p.n, 3), widths[2])
        f.advance(p.a, i32.shl(some, 2))
        f.advance(p.b, i32.mul(p.bRow, some))
        f.set(left, i32.sub(left, some))
      })
      f.if(isLast, () => addRoom(f, p, bytes))
      f.set(isLast, 1)
    })
  })
}

/** C += the sums of a block. */
function addRoom(
  f: FunctionBuilder,
  p: { readonly [Name in keyof typeof parameters]: Local<'i32'> },
  bytes: Value<'i32'>,
): void {
  const [row, from] = [f.local('i32', p.c), f.local('i32', p.room)]
  f.repeat(p.m, () => {
    forRow(f, bytes, (at, { load, store }) => {
      const place = f.let(i32.add(row, at))
      store(place, f32x4.add(load(place), load(i32.add(from, at))))
    })
    f.advance(row, p.cRow)
    f.advance(from, bytes)
  })
}

/** sums[rows][columns] += some terms of each row of A times as many rows of B. */
function tileKernel(
  rows: number,
  columns: number,
  fused: boolean,
): FunctionDefinition<typeof tileParameters, void> {
  return defineFunction(`tile${rows}x${columns}`, tileParameters, (f, p) => {
    const vectors = Math.ceil(columns / 4)
    const load = (at: Value<'i32'>, j: number): Value<'v128'> =>
      columns === 1 ? v128.load32Zero(at) : v128.load(at, 16 * j)
    const pointers = (from: Value<'i32'>, row: Value<'i32'>): Local<'i32'>[] =>
      Array.from({ length: rows }, (_, r) => f.local('i32', i32.add(from, i32.mul(row, r))))
    const [a, places] = [pointers(p.a, p.aRow), pointers(p.sums, p.sumsRow)]
    const sums = places.map((place) =>
      Array.from({ length: vectors }, (_, j) => f.local('v128', load(place, j))),
    )
    const term = (t: number): void => {
      const right = Array.from({ length: vectors }, (_, j) => f.let(load(p.b, j)))
      f.advance(p.b, p.bRow)
      sums.forEach((row, r) => {
        const left = f.let(v128.load32Splat(a[r], 4 * t))
        row.forEach((sum, j) => {
          f.set(
            sum,
            fused ? f32x4.relaxedMadd(left, right[j], sum) : f32x4.add(f32x4.mul(left, right[j]), sum),
          )
        })
      })
    }
    f.repeat(i32.shrU(p.terms, 2), () => {
      for (let t = 0; t < 4; t++) term(t)
      for (const pointer of a) f.advance(pointer, 16)
    })
    f.repeat(i32.and(p.terms, 3), () => {
      term(0)
      for (const pointer of a) f.advance(pointer, 4)
    })
    sums.forEach((row, r) => {
      row.forEach((sum, j) =>
        columns === 1 ? f.storeLane(places[r], sum, 0) : f.store(places[r], sum, 16 * j),
      )
    })
  })
}
