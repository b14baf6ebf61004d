/**
 * The micro-kernel of `gemm`: one tile of C, kept in registers while panels of A and B go by.
 *
 * V8 leaves 15 vector registers on x64. 6 × 8 with fused multiply-add needs exactly those: 12 sums, 2 vectors
 * of B, 1 element of A; without it a product needs one more, so 5 × 8. Where V8 joins pairs of vectors into
 * one of 256 bits, 6 × 16 is the same in wider registers; on ARM, which has 32 registers, 4 × 16 and 8 × 8
 * fit too. `calibrate` picks.
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

/**
 * Number of terms in a block: they are summed by themselves, and their sum is then added to C, so that long
 * sums do not drift. A packed panel of B (KC × NR) fits the first cache.
 */
export const KC = 256

/** Rows and columns of a tile, and whether products are added without being rounded first. */
export interface Tile {
  readonly MR: number
  /** A multiple of 4. */
  readonly NR: number
  readonly fused: boolean
}

/**
 * The tiles that are worth trying. All tiles of one kind give the same sums, so a choice among them changes
 * no result.
 */
export const tiles: Readonly<Record<'fused' | 'strict', readonly Tile[]>> = {
  fused: [
    { MR: 6, NR: 8, fused: true },
    { MR: 4, NR: 16, fused: true },
    { MR: 6, NR: 16, fused: true },
    { MR: 8, NR: 8, fused: true },
  ],
  strict: [
    { MR: 5, NR: 8, fused: false },
    { MR: 4, NR: 8, fused: false },
    { MR: 4, NR: 16, fused: false },
    { MR: 6, NR: 16, fused: false },
  ],
}

// biome-ignore format: factors, initial numbers, result, and whether the initial numbers are added last
const microParameters = {
  a: 'i32', b: 'i32', terms: 'i32', init: 'i32', initRow: 'i32', c: 'i32', cRow: 'i32', last: 'i32',
} as const

/**
 * c[rows][NR] = init[rows][NR] + Σ over terms of a[term][rows of MR] ⊗ b[term][NR], all in registers. The sum
 * starts from `init`; if `last` is not 0, it starts from nothing and is added to `init` as a whole.
 */
export function microKernel(
  { MR, NR, fused }: Tile,
  rows = MR,
): FunctionDefinition<typeof microParameters, void> {
  return defineFunction(`micro${rows}`, microParameters, (f, p) => {
    const vectors = NR / 4
    const sums = Array.from({ length: rows }, () => Array.from({ length: vectors }, () => f.local('v128')))
    /** Runs `body` for every vector of the tile, with the address of its initial numbers. */
    const eachSum = (body: (sum: Local<'v128'>, init: Value<'v128'>) => void): void => {
      const start = f.local('i32', p.init)
      for (const row of sums) {
        row.forEach((sum, j) => body(sum, v128.load(start, 16 * j)))
        f.advance(start, p.initRow)
      }
    }
    f.if(i32.eqz(p.last), () => eachSum((sum, init) => f.set(sum, init)))
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
    f.if(p.last, () => eachSum((sum, init) => f.set(sum, f32x4.add(init, sum))))
    for (const row of sums) {
      row.forEach((sum, j) => f.store(p.c, sum, 16 * j))
      f.advance(p.c, p.cRow)
    }
  })
}

// biome-ignore format: packed operands, sizes, what C starts from, C, room for one ragged tile
const blockParameters = {
  a: 'i32', b: 'i32', rows: 'i32', columns: 'i32', terms: 'i32',
  init: 'i32', initRow: 'i32', initPanel: 'i32', c: 'i32', cRow: 'i32', tile: 'i32', last: 'i32',
} as const

/** All tiles of a block of C: panels of B outside, so that one stays in the first cache while A's pass by. */
export function blockKernel(kind: Tile): FunctionDefinition<typeof blockParameters, void> {
  const { MR, NR } = kind
  const [micro, ...shorter] = Array.from({ length: MR }, (_, i) => microKernel(kind, MR - i))
  return defineFunction('block', blockParameters, (f, p) => {
    const panelA = f.let(i32.mul(p.terms, 4 * MR))
    const panelB = f.let(i32.mul(p.terms, 4 * NR))
    const width = f.local('i32', p.columns)
    f.while(width, () => {
      const a = f.local('i32', p.a)
      const height = f.local('i32', p.rows)
      const init = f.local('i32', p.init)
      const c = f.local('i32', p.c)
      const columns = f.let(atMost(width, NR))
      f.while(height, () => {
        const rows = f.let(atMost(height, MR))
        const ragged = (): void => {
          const row = i32.const(4 * NR)
          copyRows(f, { to: p.tile, toRow: row, from: init, fromRow: p.initRow, rows, columns })
          const tile = { init: p.tile, initRow: row, c: p.tile, cRow: row }
          f.call(micro, { a, b: p.b, terms: p.terms, ...tile, last: p.last })
          copyRows(f, { to: c, toRow: p.cRow, from: p.tile, fromRow: row, rows, columns })
        }
        const straight = (kernel: typeof micro): void =>
          f.call(kernel, {
            a,
            b: p.b,
            terms: p.terms,
            init,
            initRow: p.initRow,
            c,
            cRow: p.cRow,
            last: p.last,
          })
        const choose = ([kernel, ...others]: readonly (typeof micro)[], count: number): void => {
          if (others.length === 0) straight(kernel)
          else
            f.if(
              i32.eq(rows, count),
              () => straight(kernel),
              () => choose(others, count - 1),
            )
        }
        f.if(i32.eq(columns, NR), () => choose([micro, ...shorter], MR), ragged)
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

/** Returns the smaller of a count and a number. */
export function atMost(count: Value<'i32'>, most: number): Value<'i32'> {
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
