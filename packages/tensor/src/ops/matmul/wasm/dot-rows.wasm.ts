/**
 * A few rows times a large matrix whose terms are adjacent, as the head of a language model is: every
 * element of C is a dot product of two rows. B is read once, in streams that go from front to back, as
 * memory is read fastest: it gives a third more to four of them than to one.
 *
 * The terms of a sum go to eight sums in turn, which are joined at the end of each block of `KC`. So the
 * last bits differ from those of `gemm`, but depend neither on how many rows there are nor on threads.
 */
import {
  defineFunction,
  f32x4,
  type FunctionDefinition,
  i32,
  i32x4,
  type Local,
  type Value,
  v128,
} from '../../../backends/wasm/assembler/index.ts'
import { eachBlock } from './gemv.wasm.ts'
import { atMost, type Tile } from './tile.wasm.ts'

/** Rows of A and of B whose sums stay in registers; the rows of B lie far apart. */
export interface DotTile {
  readonly rows: number
  readonly columns: number
}

/** The tile for several rows: where wide tiles of products win, as many sums fit the registers. */
export const dotTileOf = ({ NR }: Tile): DotTile =>
  NR > 8 ? { rows: 2, columns: 4 } : { rows: 3, columns: 2 }
/** The tile for one row. */
const single: DotTile = { rows: 1, columns: 4 }
/** Rows of B in each stream that a cache holds while one group of A's rows after the other takes them. */
const chunk = 8
/** Vectors of sums of one element. */
const lanes = 2
/** Bytes of room for the sums of a tile. */
export const dotRoomBytes = 256

// `Far` is from stream to stream.
// biome-ignore format: A, B, C, terms, what C starts from, room for the sums of a tile
const parameters = {
  a: 'i32', aRow: 'i32', b: 'i32', bFar: 'i32', c: 'i32', cRow: 'i32', cFar: 'i32', k: 'i32',
  init: 'i32', initRow: 'i32', initFar: 'i32', room: 'i32',
} as const

// biome-ignore format: strides and sizes of the whole
const allParameters = {
  a: 'i32', aRow: 'i32', b: 'i32', bColumn: 'i32', c: 'i32', cRow: 'i32', m: 'i32', n: 'i32', k: 'i32',
  init: 'i32', initRow: 'i32', initColumn: 'i32', room: 'i32',
} as const

/** Computes the product for an A and a B with adjacent terms. */
export function dotRowsKernel(fused: boolean, tile: DotTile): FunctionDefinition<typeof allParameters, void> {
  const kernels = new Map<string, FunctionDefinition<typeof parameters, void>>()
  const kernelOf = (rows: number, columns: number): FunctionDefinition<typeof parameters, void> => {
    const key = `${rows}x${columns}`
    const kernel = kernels.get(key) ?? tileKernel({ rows, columns }, fused)
    kernels.set(key, kernel)
    return kernel
  }
  return defineFunction('dotRows', allParameters, (f, p) => {
    const { a: _a, b, bColumn, c, m, n, init, initColumn, ...same } = p
    /** Multiplies the next `each` rows of B of every one of `columns` streams. */
    const product = (each: Value<'i32'>, { rows, columns }: DotTile): void => {
      const far = {
        bFar: f.let(i32.mul(bColumn, each)),
        cFar: f.let(i32.shl(each, 2)),
        initFar: f.let(i32.mul(initColumn, each)),
      }
      const left = f.local('i32', each)
      f.while(left, () => {
        const some = f.let(atMost(left, chunk))
        const row = { a: f.local('i32', p.a), c: f.local('i32', c), init: f.local('i32', init) }
        const take = (count: number): void => {
          const at = { b: f.local('i32', b), c: f.local('i32', row.c), init: f.local('i32', row.init) }
          f.repeat(some, () => {
            f.call(kernelOf(count, columns), { ...same, ...far, a: row.a, ...at })
            f.advance(at.b, bColumn)
            f.advance(at.c, 4)
            f.advance(at.init, initColumn)
          })
        }
        f.repeat(i32.divU(m, rows), () => {
          take(rows)
          f.advance(row.a, i32.mul(p.aRow, rows))
          f.advance(row.c, i32.mul(p.cRow, rows))
          f.advance(row.init, i32.mul(p.initRow, rows))
        })
        for (let rest = 1; rest < rows; rest++) f.if(i32.eq(i32.remU(m, rows), rest), () => take(rest))
        f.advance(b, i32.mul(bColumn, some))
        f.advance(c, i32.shl(some, 2))
        f.advance(init, i32.mul(initColumn, some))
        f.set(left, i32.sub(left, some))
      })
      f.advance(b, i32.mul(far.bFar, columns - 1))
      f.advance(c, i32.mul(far.cFar, columns - 1))
      f.advance(init, i32.mul(far.initFar, columns - 1))
    }
    const whole = (own: DotTile): void => {
      product(f.let(i32.divU(n, own.columns)), own)
      product(f.let(i32.remU(n, own.columns)), { ...own, columns: 1 })
    }
    f.if(
      i32.eq(m, 1),
      () => whole(single),
      () => whole(tile),
    )
  })
}

function tileKernel({ rows, columns }: DotTile, fused: boolean): FunctionDefinition<typeof parameters, void> {
  return defineFunction(`dot${rows}x${columns}`, parameters, (f, p) => {
    const places = (first: Value<'i32'>, step: Value<'i32'>, count: number): Local<'i32'>[] =>
      Array.from({ length: count }, (_, i) => f.local('i32', i32.add(first, i32.mul(step, i))))
    const [a, b] = [places(p.a, p.aRow, rows), places(p.b, p.bFar, columns)]
    const elements = a.flatMap((_, r) =>
      b.map((_b, w) => ({
        ...{ r, w },
        total: f.local(
          'v128',
          v128.load32Zero(i32.add(p.init, i32.add(i32.mul(p.initRow, r), i32.mul(p.initFar, w)))),
        ),
        sums: Array.from({ length: lanes }, () => f.local('v128')),
        rest: f.local('v128'),
      })),
    )
    const addTerms = (
      load: (at: Value<'i32'>) => Value<'v128'>,
      sumOf: (of: Element) => Local<'v128'>,
    ): void => {
      const right = b.map((at) => f.let(load(at)))
      a.forEach((at, row) => {
        const left = f.let(load(at))
        for (const element of elements) {
          if (element.r !== row) continue
          const [x, y, sum] = [left, right[element.w], sumOf(element)]
          f.set(sum, fused ? f32x4.relaxedMadd(x, y, sum) : f32x4.add(f32x4.mul(x, y), sum))
        }
      })
    }
    const advance = (bytes: number): void => {
      for (const at of [...a, ...b]) f.advance(at, bytes)
    }
    eachBlock(f, p.k, (terms) => {
      for (const { sums, rest } of elements) for (const sum of [...sums, rest]) f.set(sum, f32x4.splat(0))
      f.repeat(i32.divU(terms, 4 * lanes), () => {
        for (let j = 0; j < lanes; j++) {
          addTerms(
            (at) => v128.load(at, 16 * j),
            ({ sums }) => sums[j],
          )
        }
        advance(16 * lanes)
      })
      f.if(i32.and(terms, 4), () => {
        addTerms(
          (at) => v128.load(at),
          ({ rest }) => rest,
        )
        advance(16)
      })
      f.repeat(i32.and(terms, 3), () => {
        addTerms(
          (at) => v128.load32Zero(at),
          ({ rest }) => rest,
        )
        advance(4)
      })
      // Sums that are stored side by side are what V8 makes wider vectors of, from here backwards.
      const roomOf = (element: number, j: number): number => 16 * (lanes * element + j)
      elements.forEach(({ sums }, e) => sums.forEach((sum, j) => f.store(p.room, sum, roomOf(e, j))))
      elements.forEach(({ rest, total }, e) => {
        const eight = f32x4.add(v128.load(p.room, roomOf(e, 0)), v128.load(p.room, roomOf(e, 1)))
        const four = f.let(f32x4.add(eight, rest))
        const two = f.let(f32x4.add(four, i32x4.shuffle(four, four, [2, 3, 0, 1])))
        const one = f.let(f32x4.add(two, i32x4.shuffle(two, two, [1, 0, 3, 2])))
        f.set(total, f32x4.add(total, one))
      })
    })
    for (const { r, w, total } of elements) {
      f.storeLane(i32.add(p.c, i32.add(i32.mul(p.cRow, r), i32.mul(p.cFar, w))), total, 0)
    }
  })
}

/** An element of each row of C, and where its terms go. */
interface Element {
  readonly r: number
  readonly w: number
  readonly sums: readonly Local<'v128'>[]
  /** Of terms that do not fill all sums. */
  readonly rest: Local<'v128'>
}
