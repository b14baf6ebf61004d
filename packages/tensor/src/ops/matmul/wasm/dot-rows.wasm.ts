/**
 * A few rows times a large matrix whose terms are adjacent, as the head of a language model is: every
 * element of C is a dot product of two rows. B is read once and from front to back, as memory is read
 * fastest.
 *
 * The terms of a sum go to sixteen sums in turn, which are joined at the end of each block of `KC`. So the
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
import { atMost } from './tile.wasm.ts'

/** Rows of A that are taken together; their sums stay in registers. */
const groupRows = 3
/** Rows of B that a cache holds while one group of A's rows after the other is multiplied with them. */
const columns = 16
/** Vectors of sums of one element. */
const lanes = 4

// biome-ignore format: A, a row of B, one element of each row of C, sizes, what C starts from
const parameters = {
  a: 'i32', aRow: 'i32', b: 'i32', c: 'i32', cRow: 'i32', k: 'i32', init: 'i32', initRow: 'i32',
} as const

// biome-ignore format: also the strides and sizes of the whole
const allParameters = {
  ...parameters, bColumn: 'i32', m: 'i32', n: 'i32', initColumn: 'i32',
} as const

/** Computes the product for an A and a B with adjacent terms. */
export function dotRowsKernel(fused: boolean): FunctionDefinition<typeof allParameters, void> {
  const kernels = Array.from({ length: groupRows }, (_, i) => groupKernel(groupRows - i, fused))
  return defineFunction('dotRows', allParameters, (f, { bColumn, m, n, initColumn, ...p }) => {
    const left = f.local('i32', n)
    f.while(left, () => {
      const some = f.let(atMost(left, columns))
      const [a, c, init] = [f.local('i32', p.a), f.local('i32', p.c), f.local('i32', p.init)]
      const take = (kernel: (typeof kernels)[number]): void => {
        const at = { b: f.local('i32', p.b), c: f.local('i32', c), init: f.local('i32', init) }
        f.repeat(some, () => {
          f.call(kernel, { ...p, a, ...at })
          f.advance(at.b, bColumn)
          f.advance(at.c, 4)
          f.advance(at.init, initColumn)
        })
      }
      f.repeat(i32.divU(m, groupRows), () => {
        take(kernels[0])
        f.advance(a, i32.mul(p.aRow, groupRows))
        f.advance(c, i32.mul(p.cRow, groupRows))
        f.advance(init, i32.mul(p.initRow, groupRows))
      })
      kernels.slice(1).forEach((kernel, i) => {
        f.if(i32.eq(i32.remU(m, groupRows), groupRows - 1 - i), () => take(kernel))
      })
      f.advance(p.b, i32.mul(bColumn, some))
      f.advance(p.c, i32.shl(some, 2))
      f.advance(p.init, i32.mul(initColumn, some))
      f.set(left, i32.sub(left, some))
    })
  })
}

function groupKernel(rows: number, fused: boolean): FunctionDefinition<typeof parameters, void> {
  return defineFunction(`dot${rows}`, parameters, (f, p) => {
    const group = Array.from({ length: rows }, (_, r) => ({
      a: f.local('i32', i32.add(p.a, i32.mul(p.aRow, r))),
      total: f.local('v128', v128.load32Zero(i32.add(p.init, i32.mul(p.initRow, r)))),
      sums: Array.from({ length: lanes }, () => f.local('v128')),
      single: f.local('v128'),
    }))
    const addTo = (sum: Local<'v128'>, x: Value<'v128'>, y: Value<'v128'>): void =>
      f.set(sum, fused ? f32x4.relaxedMadd(x, y, sum) : f32x4.add(f32x4.mul(x, y), sum))
    const advance = (bytes: number): void => {
      for (const { a } of group) f.advance(a, bytes)
      f.advance(p.b, bytes)
    }
    eachBlock(f, p.k, (terms) => {
      for (const { sums, single } of group) for (const sum of [...sums, single]) f.set(sum, f32x4.splat(0))
      f.repeat(i32.divU(terms, 4 * lanes), () => {
        for (let j = 0; j < lanes; j++) {
          const right = f.let(v128.load(p.b, 16 * j))
          for (const { a, sums } of group) addTo(sums[j], v128.load(a, 16 * j), right)
        }
        advance(16 * lanes)
      })
      f.repeat(i32.and(i32.shrU(terms, 2), lanes - 1), () => {
        const right = f.let(v128.load(p.b))
        for (const { a, sums } of group) addTo(sums[0], v128.load(a), right)
        advance(16)
      })
      f.repeat(i32.and(terms, 3), () => {
        const right = f.let(v128.load32Zero(p.b))
        for (const { a, single } of group) addTo(single, v128.load32Zero(a), right)
        advance(4)
      })
      for (const { sums, single, total } of group) {
        const four = f.let(f32x4.add(f32x4.add(sums[0], sums[1]), f32x4.add(sums[2], sums[3])))
        const two = f.let(f32x4.add(four, i32x4.shuffle(four, four, [2, 3, 0, 1])))
        const one = f.let(f32x4.add(two, i32x4.shuffle(two, two, [1, 0, 3, 2])))
        f.set(total, f32x4.add(total, f32x4.add(one, single)))
      }
    })
    group.forEach(({ total }, r) => f.storeLane(i32.add(p.c, i32.mul(p.cRow, r)), total, 0))
  })
}
