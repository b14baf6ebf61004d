/**
 * General matrix product over strided operands: C = init + A·B, in WASM SIMD.
 *
 * Blocking as in BLIS (Van Zee & van de Geijn 2015): panels of A (MR rows) and B (NR columns) are packed
 * so that the micro-kernel reads both in order; it keeps an MR × NR tile of C in registers.
 *
 * Every element of C is summed in the order of k, in blocks of KC terms whose sums are added one after
 * another, whatever the tile and wherever the matrix is cut: results depend neither on MR and NR nor on
 * the number of threads. Very long sums are halved first. Only a few rows times a large matrix with
 * adjacent terms are summed in another order (`dot-rows.wasm.ts`), which depends on neither either.
 */
import {
  defineFunction,
  f32x4,
  type FunctionDefinition,
  i32,
  select,
} from '../../../backends/wasm/assembler/index.ts'
import { forRow, minNumbers } from '../../../backends/wasm/loops/row-loop.ts'
import type { Pointer, WasmBackend } from '../../../backends/wasm/wasm-backend.ts'
import { calibrationOf } from './calibrate.wasm.ts'
import { dotRoomBytes, dotRowsKernel, dotTileOf } from './dot-rows.wasm.ts'
import { fewRowsKernel, panelColumns } from './few-rows.wasm.ts'
import { gemvKernel } from './gemv.wasm.ts'
import { manyBytes, streams } from './gemv-by-rows.wasm.ts'
import { packA, packB } from './pack.wasm.ts'
import { atMost, blockKernel, KC, type Tile } from './tile.wasm.ts'

/**
 * Number of terms above which a sum is made of two halves, so that the sums of many blocks do not drift.
 */
const longest = 64 * KC
/** Columns of B packed at a time. */
const NC = 1024
/** Panels of A packed at a time: KC × 16 · MR fits the second cache. */
const panelsOfA = 16
/** Minimum number of floating-point operations that are worth giving to another thread. */
const minFlops = 1e6

/** Maximum number of rows of A for which B is read once, and of those whose terms are not adjacent. */
const [fewRows, fewRowsOfColumns] = [8, 5]
/** Minimum count of numbers of B that are then worth giving to another thread. */
const minGemvNumbers = 65536

/** A matrix somewhere in memory: byte address, and bytes from row to row and from column to column. */
export interface StridedMatrix {
  readonly at: Pointer
  readonly row: number
  readonly column: number
}

/** C, whose columns are adjacent, and its initial numbers. */
export interface GemmCall {
  readonly m: number
  readonly n: number
  readonly k: number
  /** m × k. */
  readonly a: StridedMatrix
  /** k × n. */
  readonly b: StridedMatrix
  readonly c: Pointer
  /** Bytes from row to row of C. */
  readonly cRow: number
  /** C starts as zeros, as what it already holds, or as a row of n numbers at this address. */
  readonly init: 'zero' | 'result' | { readonly row: Pointer }
}

/** Computes one C, or several of one shape that do not overlap, on as many threads as pay off. */
export function gemm(backend: WasmBackend, ...calls: readonly GemmCall[]): void {
  const some = calls.filter(({ m, n }) => m > 0 && n > 0)
  if (some.length === 0) return
  if (some[0].k > longest) {
    for (const call of some) inHalves(backend, call)
    return
  }
  if (some.every(suitsDotRows)) return runDotRows(backend, some)
  if (some.every(suitsFewRows)) return runFewRows(backend, some)
  if (some.every(suitsGemv)) return runGemv(backend, some)
  const { tile } = calibrationOf(backend)
  const { gemm: kernel } = backend.functions(
    `gemm ${nameOf(tile)}`,
    (module) => module.exportDefined(gemmKernel(tile)),
    { areProducts: true },
  )
  const parts = some.flatMap((call) => cut(call, backend.threads, tile, some.length))
  const bytes = parts.map(({ m, n, k }) => packingBytes(tile, m, n, k))
  const total = bytes.reduce((sum, own) => sum + own, 0)
  backend.scratch(total, 'matmul', (start) => {
    let room = start
    const lists = parts.map(({ m, n, k, a, b, c, cRow, init }, i) => {
      const from =
        init === 'zero' ? [backend.zeros, 0, 0] : init === 'result' ? [c, cRow, 4] : [init.row, 0, 4]
      const list = [a.at, a.row, a.column, b.at, b.row, b.column, c, cRow, m, n, k, ...from, room]
      room += bytes[i]
      return list
    })
    backend.runAll(kernel, lists)
  })
}

/** Computes the first half of the terms as a product of its own, and adds the other half to it. */
function inHalves(backend: WasmBackend, call: GemmCall): void {
  const { m, n, k, a, b } = call
  const first = longest * 2 ** Math.ceil(Math.log2(k / longest) - 1)
  gemm(backend, { ...call, k: first })
  const row = 4 * n
  backend.scratch(m * row, 'matmul', (half) => {
    const rest = {
      a: { ...a, at: a.at + first * a.column },
      b: { ...b, at: b.at + first * b.row },
    }
    gemm(backend, { ...rest, m, n, k: k - first, c: half, cRow: row, init: 'zero' })
    const { addRows } = backend.functions('add rows', (module) => {
      const parameters = { to: 'i32', toRow: 'i32', from: 'i32', rows: 'i32', bytes: 'i32' } as const
      module.export('addRows', parameters, (f, p) => {
        f.repeat(p.rows, () => {
          forRow(f, p.bytes, (at, { load, store }) => {
            const place = f.let(i32.add(p.to, at))
            store(place, f32x4.add(load(place), load(i32.add(p.from, at))))
          })
          f.advance(p.to, p.toRow)
          f.advance(p.from, p.bytes)
        })
      })
    })
    backend.runOver(addRows, m, minNumbers / n, (from, many) => {
      return [call.c + from * call.cRow, call.cRow, half + from * row, many, row]
    })
  })
}

/** Whether there are so few rows that packing B would cost more than it saves, and A is read row by row. */
const areFewRows = ({ m, a }: GemmCall): boolean => a.column === 4 && m <= fewRows

/** Whether they are rows times a matrix that is read as it lies. */
const suitsGemv = ({ m, b }: GemmCall): boolean =>
  (b.column === 4 && m <= fewRowsOfColumns) || (b.row === 4 && m === 1)

/** Whether they are several rows, and one index of B is adjacent. */
const suitsFewRows = (call: GemmCall): boolean =>
  areFewRows(call) && call.m > 1 && (call.b.column === 4 || call.b.row === 4)

/** Whether B comes from memory, and its terms are adjacent. */
const suitsDotRows = (call: GemmCall): boolean =>
  areFewRows(call) && call.b.row === 4 && 4 * call.n * call.k > manyBytes

function runDotRows(backend: WasmBackend, calls: readonly GemmCall[]): void {
  const { tile } = calibrationOf(backend)
  const { dotRows } = backend.functions(
    `dot rows ${nameOf(tile)}`,
    (module) => module.exportDefined(dotRowsKernel(tile.fused, dotTileOf(tile))),
    { areProducts: true },
  )
  const cuts = calls.map(({ n, k }) => stretchesOf(backend, n, k))
  backend.scratch(dotRoomBytes * cuts.flat().length, 'matmul', (start) => {
    let room = start
    const lists = calls.flatMap(({ m, k, a, b, c, cRow, init }, z) =>
      cuts[z].map(({ column, columns }) => {
        const to = c + 4 * column
        const from = startOf(backend, init, to, cRow, column)
        const matrices = [a.at, a.row, b.at + b.column * column, b.column, to, cRow]
        const list = [...matrices, m, columns, k, ...from, room]
        room += dotRoomBytes
        return list
      }),
    )
    backend.runAll(dotRows, lists)
  })
}

/** Where a stretch of C starts from: address, and bytes from row to row and from column to column. */
function startOf(
  { zeros }: WasmBackend,
  init: GemmCall['init'],
  c: Pointer,
  cRow: number,
  column: number,
): readonly [Pointer, number, number] {
  if (init === 'zero') return [zeros, 0, 0]
  return init === 'result' ? [c, cRow, 4] : [init.row + 4 * column, 0, 4]
}

function runFewRows(backend: WasmBackend, calls: readonly GemmCall[]): void {
  const { fused } = calibrationOf(backend).tile
  const { fewRows } = backend.functions(
    `few rows${fused ? ' fused' : ''}`,
    (module) => module.exportDefined(fewRowsKernel(fused)),
    { areProducts: true },
  )
  const cuts = calls.map(({ n, k }) => stretchesOf(backend, n, k))
  // Rows of sums, and behind them a panel of each stretch.
  const bytesOf = ({ m, n, k, b }: GemmCall, stretches: number): number =>
    4 * m * n + (b.column === 4 ? 0 : 4 * panelColumns * k * stretches)
  const total = calls.reduce((sum, call, z) => sum + bytesOf(call, cuts[z].length), 0)
  backend.scratch(total, 'matmul', (start) => {
    let room = start
    const lists = calls.flatMap((call, z) => {
      const { m, n, k, a, b, c, cRow, init } = call
      const ownRoom = room
      room += bytesOf(call, cuts[z].length)
      return cuts[z].map(({ column, columns }, i) => {
        const panel = ownRoom + 4 * m * n + 4 * panelColumns * k * i
        const to = c + 4 * column
        const from = startOf(backend, init, to, cRow, column)
        const matrices = [a.at, a.row, b.at + b.column * column, b.row, to, cRow]
        return [...matrices, m, columns, k, ...from, ownRoom + 4 * m * column, b.column, panel]
      })
    })
    backend.runAll(fewRows, lists)
  })
}

/**
 * Columns for each call, in units of a cache line, so that no two threads write one. There is one stretch for
 * each thread: of shorter ones memory gives less.
 */
function stretchesOf(backend: WasmBackend, n: number, k: number): { column: number; columns: number }[] {
  const units = Math.ceil(n / 16)
  const least = Math.max(units / backend.threads, minGemvNumbers / (16 * Math.max(k, 1)))
  const stretches = backend.cut(units, least)
  return stretches.map(({ first, many }) => ({
    column: 16 * first,
    columns: Math.min(16 * many, n - 16 * first),
  }))
}

function runGemv(backend: WasmBackend, calls: readonly GemmCall[]): void {
  const { fused } = calibrationOf(backend).tile
  const { gemv } = backend.functions(`gemv${fused ? ' fused' : ''}`, (module) => {
    module.exportDefined(gemvKernel(fused))
  })
  // Room for rows of sums, beside each row of C, that are added to it as a whole.
  const bytes = calls.map((call) => 4 * streams * call.m * call.n)
  const needsRoom = calls.some(({ k, init }) => k > KC || init === 'result')
  const total = needsRoom ? bytes.reduce((sum, own) => sum + own, 0) : 0
  backend.scratch(total, 'matmul', (start) => {
    let room = start
    const lists = calls.flatMap(({ m, n, k, a, b, c, cRow, init }, z) => {
      const ownRoom = room
      room += bytes[z]
      return stretchesOf(backend, n, k).flatMap(({ column, columns }) => {
        return Array.from({ length: m }, (_, i) => {
          const to = c + i * cRow + 4 * column
          const from =
            init === 'zero' ? [backend.zeros, 0] : [init === 'result' ? to : init.row + 4 * column, 4]
          const matrix = [b.at + column * b.column, b.row, b.column]
          const sums = ownRoom + 4 * streams * (i * n + column)
          return [a.at + i * a.row, a.column, ...matrix, to, columns, k, ...from, sums]
        })
      })
    })
    backend.runAll(gemv, lists)
  })
}

/** Part of a key of `backend.functions`. */
export const nameOf = ({ MR, NR, fused }: Tile): string => `${MR}x${NR}${fused ? ' fused' : ''}`

/** Cuts a product between threads: along the rows or the columns of C, so that less is packed twice. */
function cut(call: GemmCall, threads: number, tile: Tile, calls: number): GemmCall[] {
  const { m, n, k, a, b, c, cRow, init } = call
  const pieces = Math.min(Math.ceil(threads / calls), Math.floor((2 * m * n * k) / minFlops))
  if (pieces <= 1) return [call]
  const [size, unit] = m >= n ? [m, tile.MR] : [n, tile.NR]
  const step = roundUp(Math.ceil(size / pieces), unit)
  const starts = Array.from({ length: Math.ceil(size / step) }, (_, i) => i * step)
  return starts.map((at) => {
    const many = Math.min(step, size - at)
    if (m >= n) return { ...call, m: many, a: { ...a, at: a.at + at * a.row }, c: c + at * cRow }
    const moved = typeof init === 'string' ? init : { row: init.row + 4 * at }
    return { ...call, n: many, b: { ...b, at: b.at + at * b.column }, c: c + 4 * at, init: moved }
  })
}

/** Bytes that a call of the kernel needs: packed A, packed B, a ragged tile. */
export function packingBytes({ MR, NR }: Tile, m: number, n: number, k: number): number {
  const kc = Math.min(k, KC)
  return 4 * (blockRows(MR, m) * kc + Math.min(roundUp(n, NR), NC) * kc + MR * NR)
}

const blockRows = (MR: number, m: number): number => Math.min(roundUp(m, MR), panelsOfA * MR)
const roundUp = (n: number, unit: number): number => Math.ceil(n / unit) * unit

// biome-ignore format: A, B, C, sizes, C's initial numbers (strides of 0 repeat them), room for packing
const gemmParameters = {
  a: 'i32', aRow: 'i32', aColumn: 'i32', b: 'i32', bRow: 'i32', bColumn: 'i32', c: 'i32', cRow: 'i32',
  m: 'i32', n: 'i32', k: 'i32', init: 'i32', initRow: 'i32', initColumn: 'i32', room: 'i32',
} as const

const kernels = new Map<string, FunctionDefinition<typeof gemmParameters, void>>()

/** The whole product as one function, for modules that need it inside of theirs. */
export function gemmKernel(tile: Tile): FunctionDefinition<typeof gemmParameters, void> {
  const known = kernels.get(nameOf(tile))
  if (known !== undefined) return known
  const made = buildGemm(tile)
  kernels.set(nameOf(tile), made)
  return made
}

function buildGemm(tile: Tile): FunctionDefinition<typeof gemmParameters, void> {
  const { MR, NR } = tile
  const [fillA, fillB, block] = [packA(MR), packB(NR), blockKernel(tile)]
  return defineFunction('gemm', gemmParameters, (f, p) => {
    const ragged = p.room
    const packedB = f.let(i32.add(p.room, 4 * MR * NR))
    const kc = f.let(atMost(p.k, KC))
    const nc = f.let(atMost(i32.mul(i32.divU(i32.add(p.n, NR - 1), NR), NR), NC))
    const packedA = f.let(i32.add(packedB, i32.shl(i32.mul(kc, nc), 2)))
    const initPanel = f.let(i32.mul(p.initColumn, NR))
    const [j, t, i] = [f.local('i32'), f.local('i32'), f.local('i32')]
    f.while(i32.ltU(j, p.n), () => {
      const columns = f.let(atMost(i32.sub(p.n, j), NC))
      const more = f.local('i32', 1) // also with k = 0, for C is still to be set
      f.set(t, 0)
      f.while(more, () => {
        const terms = f.let(atMost(i32.sub(p.k, t), KC))
        const fromB = i32.add(p.b, i32.add(i32.mul(t, p.bRow), i32.mul(j, p.bColumn)))
        f.call(fillB, { to: packedB, from: fromB, terms, columns, row: p.bRow, column: p.bColumn })
        f.set(i, 0)
        f.while(i32.ltU(i, p.m), () => {
          const rows = f.let(atMost(i32.sub(p.m, i), panelsOfA * MR))
          const fromA = i32.add(p.a, i32.add(i32.mul(i, p.aRow), i32.mul(t, p.aColumn)))
          f.call(fillA, { to: packedA, from: fromA, rows, terms, row: p.aRow, column: p.aColumn })
          const c = f.let(i32.add(p.c, i32.add(i32.mul(i, p.cRow), i32.shl(j, 2))))
          const start = i32.add(p.init, i32.add(i32.mul(i, p.initRow), i32.mul(j, p.initColumn)))
          f.call(block, {
            a: packedA,
            b: packedB,
            rows,
            columns,
            terms,
            c,
            cRow: p.cRow,
            tile: ragged,
            init: select(t, c, start),
            initRow: select(t, p.cRow, p.initRow),
            initPanel: select(t, i32.const(4 * NR), initPanel),
            last: i32.or(t, i32.eq(p.init, p.c)),
          })
          f.advance(i, rows)
        })
        f.advance(t, terms)
        f.set(more, i32.ltU(t, p.k))
      })
      f.advance(j, columns)
    })
  })
}
