/**
 * Row vector times a matrix with adjacent columns: c = init + Σ a[k]·B[k], the sums beside each other in
 * memory.
 */
import {
  f32x4,
  type FunctionBuilder,
  i32,
  type Local,
  type Value,
  v128,
} from '../../../backends/wasm/assembler/index.ts'
import { forWideRow } from '../../../backends/wasm/loops/row-loop.ts'
import { atMost, KC } from './tile.wasm.ts'

/** Bytes of a matrix that no cache near the processor holds. */
export const manyBytes = 2 ** 20
/** Bytes of a row from which on the sums of several blocks drive each other out of the first cache. */
const wideRow = 8192
/** Maximum number of blocks of terms that are read beside each other, and rows of sums that they need. */
export const streams = 4

/** Where a row of A, the matrix, the sums and what they start from lie; see `gemvKernel`. */
export interface RowPlaces {
  readonly a: Local<'i32'>
  readonly aColumn: Local<'i32'>
  readonly b: Local<'i32'>
  readonly bRow: Local<'i32'>
  readonly c: Local<'i32'>
  readonly n: Local<'i32'>
  readonly k: Local<'i32'>
  readonly init: Local<'i32'>
  readonly initColumn: Local<'i32'>
  readonly room: Local<'i32'>
}

export type MultiplyAdd = (x: Value<'v128'>, y: Value<'v128'>, sum: Value<'v128'>) => Value<'v128'>

/**
 * A matrix that comes from memory is read in streams that go from front to back without a gap: memory gives
 * a third more to four streams, a block of terms each, than to one, and half to rows that lie side by side.
 * There is one stream where rows are so wide that the sums of several blocks would not stay in the first
 * cache. Where the columns are those of one thread of several no row follows the other without a gap, and
 * eight are read beside each other; of a matrix in a cache, four.
 */
export function byRows(f: FunctionBuilder, p: RowPlaces, multiplyAdd: MultiplyAdd): void {
  const bytes = f.let(i32.shl(p.n, 2))
  const isLarge = f.let(i32.gtU(i32.mul(p.k, bytes), manyBytes))
  const isWhole = f.let(i32.and(isLarge, i32.eq(bytes, p.bRow)))
  const isNarrow = f.let(i32.and(isWhole, i32.ltU(bytes, wideRow)))
  // Whether the sum of a block is added as a whole, or continues from c's initial number.
  const isLast = f.local('i32', i32.eq(p.init, p.c))
  const sums = f.local('i32')
  const left = f.local('i32', p.k)
  const more = f.local('i32', 1) // also without terms, for c is still to be set

  const rows = (count: number): void => {
    addRows(f, multiplyAdd, {
      factors: Array.from({ length: count }, (_, i) => i32.add(p.a, i32.mul(p.aColumn, i))),
      rows: Array.from({ length: count }, (_, i) => i32.add(p.b, i32.mul(p.bRow, i))),
      sums: [sums],
      bytes,
    })
    f.advance(p.a, i32.mul(p.aColumn, count))
    f.advance(p.b, i32.mul(p.bRow, count))
  }

  const oneBlock = (): void => {
    const terms = f.let(atMost(left, KC))
    const rest = f.local('i32', terms)
    f.if(isLarge, () => {
      f.if(
        isWhole,
        () => {
          f.repeat(terms, () => rows(1))
          f.set(rest, 0)
        },
        () => {
          f.repeat(i32.shrU(terms, 3), () => rows(8))
          f.set(rest, i32.and(terms, 7))
        },
      )
    })
    f.repeat(i32.shrU(rest, 2), () => rows(4))
    f.repeat(i32.and(rest, 3), () => rows(1))
    f.set(left, i32.sub(left, terms))
  }

  const blocksBeside = (count: number): void => {
    const others = Array.from({ length: count - 1 }, (_, i) => f.let(i32.add(p.room, i32.mul(bytes, i + 1))))
    for (const other of others) f.fill(other, 0, bytes)
    const at = (first: Value<'i32'>, step: Value<'i32'>): Value<'i32'>[] =>
      Array.from({ length: count }, (_, i) => i32.add(first, i32.mul(step, KC * i)))
    f.repeat(KC, () => {
      const all = { factors: at(p.a, p.aColumn), rows: at(p.b, p.bRow), sums: [sums, ...others], bytes }
      addRows(f, multiplyAdd, all)
      f.advance(p.a, p.aColumn)
      f.advance(p.b, p.bRow)
    })
    f.advance(p.a, i32.mul(p.aColumn, KC * (count - 1)))
    f.advance(p.b, i32.mul(p.bRow, KC * (count - 1)))
    f.set(left, i32.sub(left, KC * count))
    f.if(isLast, () => addSums(f, p.c, sums, bytes))
    for (const other of others) addSums(f, p.c, other, bytes)
    f.set(isLast, 0)
  }

  f.while(more, () => {
    f.if(
      isLast,
      () => {
        f.set(sums, p.room)
        f.fill(sums, 0, bytes)
      },
      () => {
        f.set(sums, p.c)
        const from = f.local('i32', p.init)
        f.forRange(0, bytes, 4, (at) => {
          f.store(i32.add(p.c, at), i32.load(from))
          f.advance(from, p.initColumn)
        })
      },
    )
    f.if(
      i32.and(isNarrow, i32.geU(left, streams * KC)),
      () => blocksBeside(streams),
      () => f.if(i32.and(isNarrow, i32.geU(left, 2 * KC)), () => blocksBeside(2), oneBlock),
    )
    f.if(isLast, () => addSums(f, p.c, sums, bytes))
    f.set(isLast, 1)
    f.set(more, left)
  })
}

/** Rows of B, of which each has sums of its own, or all the same. */
interface Rows {
  /** Address of the factor of each row. */
  readonly factors: readonly Value<'i32'>[]
  readonly rows: readonly Value<'i32'>[]
  readonly sums: readonly Value<'i32'>[]
  readonly bytes: Value<'i32'>
}

/** Adds each row, times its factor, to its sums, in order. */
function addRows(f: FunctionBuilder, multiplyAdd: MultiplyAdd, { factors, rows, sums, bytes }: Rows): void {
  const own = factors.map((factor) => f.let(v128.load32Splat(factor)))
  forWideRow(f, bytes, [...sums, ...rows], (places, offsets, { load, store }) => {
    const [to, from] = [places.slice(0, sums.length), places.slice(sums.length)]
    to.forEach((place, s) => {
      const several = sums.length === 1 ? from : [from[s]]
      for (const offset of offsets) {
        const sum = several.reduce(
          (partial, row, r) => multiplyAdd(own[s + r], load(row, offset), partial),
          load(place, offset),
        )
        store(place, sum, offset)
      }
    })
  })
}

/** c += sums. */
function addSums(f: FunctionBuilder, c: Value<'i32'>, sums: Value<'i32'>, bytes: Value<'i32'>): void {
  forWideRow(f, bytes, [c, sums], ([place, from], offsets, { load, store }) => {
    for (const offset of offsets) store(place, f32x4.add(load(place, offset), load(from, offset)), offset)
  })
}
