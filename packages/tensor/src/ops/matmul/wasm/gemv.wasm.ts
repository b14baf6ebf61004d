/**
 * Row vector times matrix: c = init + a·B, for the one new token of a generation step. It reads B once, as
 * it lies, where packing it would cost three times the work. Every sum runs in the order of k, in the
 * blocks and with the roundings of `gemm`, so both give the same bits.
 */
import {
  defineFunction,
  f32x4,
  type FunctionBuilder,
  type FunctionDefinition,
  i32,
  type Local,
  type Value,
  v128,
} from '../../../backends/wasm/assembler/index.ts'
import { byRows, type MultiplyAdd } from './gemv-by-rows.wasm.ts'
import { transposeBlock } from './pack.wasm.ts'
import { atMost, KC } from './tile.wasm.ts'

// A column stride of 0 repeats what c starts from; there is room for `streams` rows of n sums.
// biome-ignore format: a, B, c, sizes, what c starts from, room
const parameters = {
  a: 'i32', aColumn: 'i32', b: 'i32', bRow: 'i32', bColumn: 'i32', c: 'i32',
  n: 'i32', k: 'i32', init: 'i32', initColumn: 'i32', room: 'i32',
} as const

type Places = { readonly [Name in keyof typeof parameters]: Local<'i32'> }

/** Computes the product for a B with adjacent columns or adjacent rows. */
export function gemvKernel(fused: boolean): FunctionDefinition<typeof parameters, void> {
  const multiplyAdd: MultiplyAdd = fused ? f32x4.relaxedMadd : (x, y, sum) => f32x4.add(f32x4.mul(x, y), sum)
  return defineFunction('gemv', parameters, (f, p) => {
    f.if(
      i32.eq(p.bColumn, 4),
      () => byRows(f, p, multiplyAdd),
      () => byColumns(f, p, multiplyAdd),
    )
  })
}

/** Runs `body` for each block of at most KC terms; without terms once, because c must still be set. */
export function eachBlock(f: FunctionBuilder, k: Value<'i32'>, body: (terms: Value<'i32'>) => void): void {
  const left = f.local('i32', k)
  const more = f.local('i32', 1)
  f.while(more, () => {
    const terms = f.let(atMost(left, KC))
    body(terms)
    f.set(left, i32.sub(left, terms))
    f.set(more, left)
  })
}

/**
 * c[j] = a·B[:, j]: eight columns at a time, whose sums do not wait for each other, then four, then one.
 */
function byColumns(f: FunctionBuilder, p: Places, multiplyAdd: MultiplyAdd): void {
  const columns = (count: number): void => {
    const groups = Array.from({ length: Math.ceil(count / 4) }, (_, g) => {
      const lanes = Math.min(4, count)
      const starts = Array.from({ length: lanes }, (_lane, j) =>
        f.let(i32.add(p.b, i32.mul(p.bColumn, 4 * g + j))),
      )
      const inits = starts.map((_start, j) => i32.add(p.init, i32.mul(p.initColumn, 4 * g + j)))
      return { starts, total: f.local('v128', gatherLanes(inits)), sum: f.local('v128') }
    })
    // Whether a block's sum is added as a whole, or continues from c's initial number.
    const isLast = f.local('i32', i32.eq(p.init, p.c))
    const a = f.local('i32', p.a)
    const at = f.local('i32', 0)
    const factor = (): Value<'v128'> => {
      const x = f.let(v128.load32Splat(a))
      f.advance(a, p.aColumn)
      return x
    }
    const places = (starts: readonly Value<'i32'>[]): Value<'i32'>[] =>
      starts.map((start) => i32.add(start, at))
    const addBlock = (terms: Value<'i32'>): void => {
      if (count > 1) {
        f.repeat(i32.shrU(terms, 2), () => {
          const factors = [factor(), factor(), factor(), factor()]
          for (const { starts, sum } of groups) {
            const terms = transposeBlock(
              f,
              places(starts).map((place) => f.let(v128.load(place))),
            )
            terms.forEach((term, t) => f.set(sum, multiplyAdd(factors[t], term, sum)))
          }
          f.advance(at, 16)
        })
      }
      f.repeat(count > 1 ? i32.and(terms, 3) : terms, () => {
        const x = factor()
        for (const { starts, sum } of groups) f.set(sum, multiplyAdd(x, gatherLanes(places(starts)), sum))
        f.advance(at, 4)
      })
    }
    eachBlock(f, p.k, (terms) => {
      for (const { sum, total } of groups) {
        f.if(
          isLast,
          () => f.set(sum, f32x4.splat(0)),
          () => f.set(sum, total),
        )
      }
      addBlock(terms)
      for (const { sum, total } of groups) {
        f.if(
          isLast,
          () => f.set(total, f32x4.add(total, sum)),
          () => f.set(total, sum),
        )
      }
      f.set(isLast, 1)
    })
    groups.forEach(({ total }, g) => {
      if (count > 1) f.store(p.c, total, 16 * g)
      else f.storeLane(p.c, total, 0)
    })
    f.advance(p.b, i32.mul(p.bColumn, count))
    f.advance(p.init, i32.mul(p.initColumn, count))
    f.advance(p.c, 4 * count)
  }
  f.repeat(i32.shrU(p.n, 3), () => columns(8))
  f.repeat(i32.and(i32.shrU(p.n, 2), 1), () => columns(4))
  f.repeat(i32.and(p.n, 3), () => columns(1))
}

/** Loads up to four numbers from as many places. */
function gatherLanes([first, ...others]: readonly Value<'i32'>[]): Value<'v128'> {
  return others.reduce((lanes, at, i) => v128.load32Lane(at, lanes, i + 1), v128.load32Zero(first))
}
