/**
 * General matrix product over strided operands: C = init + A·B, in WASM SIMD.
 *
 * Blocking as in BLIS (Van Zee & van de Geijn 2015): panels of A (MR rows) and B (NR columns) are packed so that the
 * micro-kernel reads both in order; it keeps an MR × NR tile of C in registers. V8 leaves 15 vector registers on x64, and
 * 6 × 8 with fused multiply-add needs exactly those: 12 sums, 2 vectors of B, 1 element of A.
 *
 * Every element of C is summed in the order of k, in blocks of KC, whatever the tile: results do not depend on MR and NR.
 */
import {
  defineFunction,
  type FunctionBuilder,
  f32x4,
  i32,
  i32x4,
  type Local,
  type ModuleBuilder,
  select,
  type Value,
  v128,
} from '../../backends/wasm/assembler/index.ts'
import type { KernelFunctions, Pointer, WasmBackend } from '../../backends/wasm/wasm-backend.ts'

/** Columns of a tile: two vectors. */
const NR = 8
/** Terms summed before the partial sums go back to C: a packed panel of B (KC × NR) then fits the first cache. */
const KC = 256
/** Columns of B packed at a time. */
const NC = 1024
/** Panels of A packed at a time: KC × 16 · MR fits the second cache. */
const panelsOfA = 16

/** A matrix somewhere in memory: byte address, and bytes from row to row and from column to column. */
export interface StridedMatrix {
  readonly at: Pointer
  readonly row: number
  readonly column: number
}

/** C, whose columns are adjacent, and what it starts from. */
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
  /** C starts as zeros, as what it holds, or as a row of n numbers at this address. */
  readonly init: 'zero' | 'accumulate' | { readonly row: Pointer }
}

/** Rows of a tile: as many as fit the registers, with or without fused multiply-add. */
const rowsOfTile = (backend: WasmBackend): number => (backend.features.relaxedSimd ? 6 : 5)

/** Computes C. */
export function gemm(backend: WasmBackend, call: GemmCall): void {
  const { m, n, k } = call
  if (m === 0 || n === 0) return
  const MR = rowsOfTile(backend)
  const kernels = gemmFunctions(backend, MR)
  const [kc, nc] = [Math.min(k, KC), Math.min(roundUp(n, NR), NC)]
  const mc = Math.min(roundUp(m, MR), panelsOfA * MR)
  // packed A, packed B, a tile for ragged edges, and a row of zeros
  const bytes = 4 * (mc * kc + kc * nc + MR * NR + NR)
  backend.scratch(bytes, 'matmul', (packedA) => {
    const packedB = packedA + 4 * mc * kc
    const tile = packedB + 4 * kc * nc
    kernels.zero(tile + 4 * MR * NR, 4 * NR)
    for (let j = 0; j < n; j += NC) {
      for (let p = 0; p < Math.max(k, 1); p += KC) {
        const [columns, terms] = [Math.min(NC, n - j), Math.min(KC, k - p)]
        const b = call.b.at + p * call.b.row + j * call.b.column
        kernels.packB(packedB, b, terms, columns, call.b.row, call.b.column)
        for (let i = 0; i < m; i += mc) {
          const rows = Math.min(mc, m - i)
          kernels.packA(
            packedA,
            call.a.at + i * call.a.row + p * call.a.column,
            rows,
            terms,
            call.a.row,
            call.a.column,
          )
          const c = call.c + i * call.cRow + 4 * j
          const [init, initRow, initPanel] = startOf(call, p, c, j, tile + 4 * MR * NR)
          kernels.block(packedA, packedB, rows, columns, terms, init, initRow, initPanel, c, call.cRow, tile)
        }
      }
    }
  })
}

/** Address, row stride and panel stride of what the block starts from. */
function startOf(
  { init, cRow }: GemmCall,
  p: number,
  c: Pointer,
  j: number,
  zeros: Pointer,
): [number, number, number] {
  if (p > 0 || init === 'accumulate') return [c, cRow, 4 * NR]
  return init === 'zero' ? [zeros, 0, 0] : [init.row + 4 * j, 0, 4 * NR]
}

const roundUp = (n: number, unit: number): number => Math.ceil(n / unit) * unit

function gemmFunctions(backend: WasmBackend, MR: number): KernelFunctions {
  const fused = backend.features.relaxedSimd
  return backend.functions(`gemm ${MR}x${NR}${fused ? ' fused' : ''}`, (module) => {
    module.export('zero', { to: 'i32', bytes: 'i32' }, (b, { to, bytes }) => b.fill(to, 0, bytes))
    buildPackA(module, MR)
    buildPackB(module)
    buildBlock(module, MR, fused)
  })
}

/** A → panels of MR rows, term by term: to[panel][term][row]. Rows beyond the last are zeros. */
function buildPackA(module: ModuleBuilder, MR: number): void {
  const parameters = { to: 'i32', from: 'i32', rows: 'i32', terms: 'i32', row: 'i32', column: 'i32' } as const
  module.export('packA', parameters, (b, { to, from, rows, terms, row, column }) => {
    const left = b.local('i32', rows)
    b.while(left, () => {
      const full = i32.geU(left, MR)
      b.if(
        full,
        () => {
          const sources = Array.from({ length: MR }, (_, r) => b.local('i32', i32.add(from, i32.mul(row, r))))
          b.repeat(terms, () => {
            sources.forEach((source, r) => {
              b.store(to, i32.load(source), 4 * r)
              b.advance(source, column)
            })
            b.advance(to, 4 * MR)
          })
          b.set(left, i32.sub(left, MR))
        },
        () => {
          const source = b.local('i32', from)
          b.repeat(terms, () => {
            for (let r = 0; r < MR; r++) {
              b.if(
                i32.gtU(left, r),
                () => b.store(to, i32.load(i32.add(source, i32.mul(row, r))), 4 * r),
                () => b.store(to, i32.const(0), 4 * r),
              )
            }
            b.advance(source, column)
            b.advance(to, 4 * MR)
          })
          b.set(left, 0)
        },
      )
      b.advance(from, i32.mul(row, MR))
    })
  })
}

/** B → panels of NR columns, term by term: to[panel][term][column]. Columns beyond the last are zeros. */
function buildPackB(module: ModuleBuilder): void {
  const parameters = {
    to: 'i32',
    from: 'i32',
    terms: 'i32',
    columns: 'i32',
    row: 'i32',
    column: 'i32',
  } as const
  module.export('packB', parameters, (b, { to, from, terms, columns, row, column }) => {
    const left = b.local('i32', columns)
    const panel = (copyRow: (source: Local<'i32'>) => void): void => {
      const source = b.local('i32', from)
      b.repeat(terms, () => {
        copyRow(source)
        b.advance(source, row)
        b.advance(to, 4 * NR)
      })
    }
    const scattered = (source: Local<'i32'>): void => {
      for (let j = 0; j < NR; j++) b.store(to, i32.load(i32.add(source, i32.mul(column, j))), 4 * j)
    }
    b.while(left, () => {
      b.if(
        i32.geU(left, NR),
        () => {
          b.if(
            i32.eq(column, 4),
            () =>
              panel((source) => {
                for (let j = 0; j < NR; j += 4) b.store(to, v128.load(source, 4 * j), 4 * j)
              }),
            () =>
              b.if(
                i32.eq(row, 4),
                () => transposedPanel(b, to, from, terms, column),
                () => panel(scattered),
              ),
          )
          b.set(left, i32.sub(left, NR))
        },
        () => {
          panel((source) => {
            for (let j = 0; j < NR; j++) {
              b.if(
                i32.gtU(left, j),
                () => b.store(to, i32.load(i32.add(source, i32.mul(column, j))), 4 * j),
                () => b.store(to, i32.const(0), 4 * j),
              )
            }
          })
          b.set(left, 0)
        },
      )
      b.advance(from, i32.mul(column, NR))
    })
  })
}

/** A panel of a B whose columns are contiguous (a transposed operand): 4 × 4 blocks are turned in registers. */
function transposedPanel(
  b: FunctionBuilder,
  to: Local<'i32'>,
  from: Value<'i32'>,
  terms: Value<'i32'>,
  column: Value<'i32'>,
): void {
  const source = b.local('i32', from)
  const at = (j: number): Value<'i32'> => i32.add(source, i32.mul(column, j))
  b.repeat(i32.shrU(terms, 2), () => {
    for (let j = 0; j < NR; j += 4) {
      const [r0, r1, r2, r3] = [0, 1, 2, 3].map((i) => b.let(v128.load(at(j + i))))
      const low01 = b.let(i32x4.shuffle(r0, r1, [0, 4, 1, 5]))
      const low23 = b.let(i32x4.shuffle(r2, r3, [0, 4, 1, 5]))
      const high01 = b.let(i32x4.shuffle(r0, r1, [2, 6, 3, 7]))
      const high23 = b.let(i32x4.shuffle(r2, r3, [2, 6, 3, 7]))
      b.store(to, i32x4.shuffle(low01, low23, [0, 1, 4, 5]), 4 * j)
      b.store(to, i32x4.shuffle(low01, low23, [2, 3, 6, 7]), 4 * (j + NR))
      b.store(to, i32x4.shuffle(high01, high23, [0, 1, 4, 5]), 4 * (j + 2 * NR))
      b.store(to, i32x4.shuffle(high01, high23, [2, 3, 6, 7]), 4 * (j + 3 * NR))
    }
    b.advance(source, 16)
    b.advance(to, 16 * NR)
  })
  b.repeat(i32.and(terms, 3), () => {
    for (let j = 0; j < NR; j++) b.store(to, i32.load(at(j)), 4 * j)
    b.advance(source, 4)
    b.advance(to, 4 * NR)
  })
}

/** All tiles of a block of C: panels of B outside, so that one stays in the first cache while A's pass by. */
function buildBlock(module: ModuleBuilder, MR: number, fused: boolean): void {
  const micro = microKernel(MR, fused)
  // biome-ignore format: one line for what goes in, one for what comes out
  const parameters = {
    a: 'i32', b: 'i32', rows: 'i32', columns: 'i32', terms: 'i32',
    init: 'i32', initRow: 'i32', initPanel: 'i32', c: 'i32', cRow: 'i32', tile: 'i32',
  } as const
  module.export('block', parameters, (f, p) => {
    const panelA = f.let(i32.mul(p.terms, 4 * MR))
    const panelB = f.let(i32.mul(p.terms, 4 * NR))
    const width = f.local('i32', p.columns)
    f.while(width, () => {
      const [a, height] = [f.local('i32', p.a), f.local('i32', p.rows)]
      const [init, c] = [f.local('i32', p.init), f.local('i32', p.c)]
      const columns = f.let(atMost(width, NR))
      f.while(height, () => {
        const rows = f.let(atMost(height, MR))
        const whole = i32.and(i32.eq(rows, MR), i32.eq(columns, NR))
        const tile = (
          from: Value<'i32'>,
          fromRow: Value<'i32'>,
          to: Value<'i32'>,
          toRow: Value<'i32'>,
        ): void => {
          f.call(micro, { a, b: p.b, terms: p.terms, init: from, initRow: fromRow, c: to, cRow: toRow })
        }
        f.if(
          whole,
          () => tile(init, p.initRow, c, p.cRow),
          () => {
            copyRows(f, {
              to: p.tile,
              toRow: i32.const(4 * NR),
              from: init,
              fromRow: p.initRow,
              rows,
              columns,
            })
            tile(p.tile, i32.const(4 * NR), p.tile, i32.const(4 * NR))
            copyRows(f, { to: c, toRow: p.cRow, from: p.tile, fromRow: i32.const(4 * NR), rows, columns })
          },
        )
        f.advance(a, panelA)
        f.advance(init, i32.mul(p.initRow, MR))
        f.advance(c, i32.mul(p.cRow, MR))
        f.set(height, i32.sub(height, rows))
      })
      f.advance(p.b, panelB)
      f.advance(p.init, p.initPanel)
      f.advance(p.c, 4 * NR)
      f.set(width, i32.sub(width, columns))
    })
  })
}

/** c[MR][NR] = init[MR][NR] + Σ over terms of a[term][MR] ⊗ b[term][NR], all in registers. */
function microKernel(MR: number, fused: boolean) {
  // biome-ignore format: one line
  const parameters = {
    a: 'i32', b: 'i32', terms: 'i32', init: 'i32', initRow: 'i32', c: 'i32', cRow: 'i32',
  } as const
  return defineFunction('micro', parameters, (f, p) => {
    const vectors = NR / 4
    const sums = Array.from({ length: MR }, () => {
      const row = Array.from({ length: vectors }, (_, j) => f.local('v128', v128.load(p.init, 16 * j)))
      f.advance(p.init, p.initRow)
      return row
    })
    const term = (t: number): void => {
      const right = Array.from({ length: vectors }, (_, j) => f.let(v128.load(p.b, 4 * NR * t + 16 * j)))
      sums.forEach((row, r) => {
        const left = f.let(v128.load32Splat(p.a, 4 * (MR * t + r)))
        row.forEach((sum, j) => {
          const next = fused
            ? f32x4.relaxedMadd(left, right[j], sum)
            : f32x4.add(f32x4.mul(left, right[j]), sum)
          f.set(sum, next)
        })
      })
    }
    f.repeat(i32.shrU(p.terms, 1), () => {
      term(0)
      term(1)
      f.advance(p.a, 8 * MR)
      f.advance(p.b, 8 * NR)
    })
    f.if(i32.and(p.terms, 1), () => term(0))
    for (const row of sums) {
      row.forEach((sum, j) => f.store(p.c, sum, 16 * j))
      f.advance(p.c, p.cRow)
    }
  })
}

/** The smaller of a count and a number. */
function atMost(count: Value<'i32'>, most: number): Value<'i32'> {
  return select(i32.ltU(count, most), count, i32.const(most))
}

interface RowCopy {
  readonly to: Value<'i32'>
  readonly toRow: Value<'i32'>
  readonly from: Value<'i32'>
  readonly fromRow: Value<'i32'>
  readonly rows: Value<'i32'>
  readonly columns: Value<'i32'>
}

/** Copies a ragged tile, one number at a time. */
function copyRows(f: FunctionBuilder, { to, toRow, from, fromRow, rows, columns }: RowCopy): void {
  const [target, source] = [f.local('i32', to), f.local('i32', from)]
  f.repeat(rows, () => {
    const bytes = f.let(i32.shl(columns, 2))
    f.forRange(0, bytes, 4, (at) => f.store(i32.add(target, at), i32.load(i32.add(source, at))))
    f.advance(target, toRow)
    f.advance(source, fromRow)
  })
}
