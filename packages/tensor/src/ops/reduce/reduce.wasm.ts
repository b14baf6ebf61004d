/**
 * Reduce on WASM. Sums of single precision run in blocks, so that long ones are as accurate as short ones.
 * Adjacent axes of one kind are joined, so that kept and reduced axes alternate; each run of reduced axes is
 * one pass, from the last to the first.
 */
import { f32x4, i32, i32x4, type Value, v128 } from '../../backends/wasm/assembler/index.ts'
import { forRow, minNumbers, overRow, sumOfRow } from '../../backends/wasm/loops/row-loop.ts'
import { sumOfVectors } from '../../backends/wasm/loops/sum-of-vectors.ts'
import type { KernelFunctions, Pointer, WasmBackend, WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import type { DType } from '../../dtype.ts'
import { sizeOf } from '../../shape.ts'
import type { ReduceAttrs } from './reduce.ts'

export const reduceWasm: WasmKernel<'reduce'> = (backend, [x], [out], { kind, axes }) => {
  const passes = passesOf(x.shape, axes)
  const functions = reduceFunctions(backend, kind, x.dtype)
  const run = (at: Pointer, rest: readonly Pass[]): void => {
    const [pass, ...later] = rest
    if (later.length === 0) {
      carryOut(backend, functions, pass, out.buffer, at)
      return
    }
    backend.scratch(4 * pass.outer * pass.inner, 'reduce', (between) => {
      carryOut(backend, functions, pass, between, at)
      run(between, later)
    })
  }
  run(x.buffer, passes)
}

/** One pass: `[outer, terms, inner]` → `[outer, inner]`. */
interface Pass {
  readonly outer: number
  readonly terms: number
  readonly inner: number
}

function passesOf(shape: readonly number[], axes: readonly number[]): Pass[] {
  const passes: Pass[] = []
  let inner = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (!axes.includes(axis)) {
      inner *= shape[axis]
      continue
    }
    let first = axis
    while (first > 0 && axes.includes(first - 1)) first--
    const terms = sizeOf(shape.slice(first, axis + 1))
    passes.push({ outer: sizeOf(shape.slice(0, first)), terms, inner })
    axis = first
  }
  // Without reduced axes there is one pass of one term: a copy.
  return passes.length > 0 ? passes : [{ outer: sizeOf(shape), terms: 1, inner: 1 }]
}

function carryOut(
  backend: WasmBackend,
  functions: KernelFunctions,
  { outer, terms, inner }: Pass,
  to: Pointer,
  from: Pointer,
): void {
  if (inner === 1) {
    backend.runOver(functions.rows, outer, minNumbers / terms, (first, many) => {
      return [to + 4 * first, from + 4 * first * terms, many, 4 * terms]
    })
    return
  }
  // Each thread gets whole matrices, or columns if there is only one.
  const row = 4 * inner
  if (outer > 1) {
    backend.runOver(functions.columns, outer, minNumbers / (terms * inner), (first, many) => {
      return [to + first * row, from + first * terms * row, many, terms, row, row]
    })
    return
  }
  backend.runOver(functions.columns, Math.ceil(inner / 16), minNumbers / (16 * terms), (first, many) => {
    const bytes = Math.min(64 * many, row - 64 * first)
    return [to + 64 * first, from + 64 * first, 1, terms, bytes, row]
  })
}

/** Adds up rows of `columns` numbers, in blocks and in their order. */
export function columnSums(
  backend: WasmBackend,
  to: Pointer,
  from: Pointer,
  rows: number,
  columns: number,
): void {
  const functions = reduceFunctions(backend, 'sum', 'f32')
  carryOut(backend, functions, { outer: 1, terms: rows, inner: columns }, to, from)
}

function reduceFunctions(backend: WasmBackend, kind: ReduceAttrs['kind'], dtype: DType): KernelFunctions {
  return backend.functions(`reduce ${kind} ${dtype}`, (module) => {
    const { combine, nothing } = monoids[dtype][kind]
    const rounds = dtype === 'f32' && kind === 'sum'
    const ofRow: typeof sumOfRow = rounds
      ? sumOfRow
      : (b, bytes, term) => overRow(b, bytes, term, combine, nothing)
    const ofVectors: typeof sumOfVectors = rounds
      ? sumOfVectors
      : (b, count, width, term, next) => {
          const totals = Array.from({ length: width }, () => b.local('v128', nothing()))
          b.repeat(count, () => {
            term().forEach((value, i) => b.set(totals[i], combine(totals[i], value)))
            next()
          })
          return totals
        }
    module.export('rows', { to: 'i32', from: 'i32', rows: 'i32', bytes: 'i32' }, (b, p) => {
      b.repeat(p.rows, () => {
        const total = ofRow(b, p.bytes, (at, { load }) => load(i32.add(p.from, at)))
        b.storeLane(p.to, total, 0)
        b.advance(p.to, 4)
        b.advance(p.from, p.bytes)
      })
    })
    // biome-ignore format: `bytes` of a row that is `row` bytes long
    const columnParameters = {
      to: 'i32', from: 'i32', outer: 'i32', terms: 'i32', bytes: 'i32', row: 'i32',
    } as const
    module.export('columns', columnParameters, (b, p) => {
      const downFrom = (
        start: Value<'i32'>,
        loads: readonly ((pointer: Value<'i32'>) => Value<'v128'>)[],
      ): Value<'v128'>[] => {
        const term = b.local('i32', start)
        const vectors = (): Value<'v128'>[] => loads.map((load) => load(term))
        return ofVectors(b, p.terms, loads.length, vectors, () => b.advance(term, p.row))
      }
      // Takes a cache line of columns at a time, then the rest.
      const lines = b.let(i32.and(p.bytes, ~63))
      const rest = b.let(i32.sub(p.bytes, lines))
      b.repeat(p.outer, () => {
        b.forRange(0, lines, 64, (at) => {
          const offsets = [0, 16, 32, 48]
          const loads = offsets.map((offset) => (pointer: Value<'i32'>) => v128.load(pointer, offset))
          const sums = downFrom(i32.add(p.from, at), loads)
          sums.forEach((sum, i) => b.store(i32.add(p.to, at), sum, offsets[i]))
        })
        forRow(b, rest, (after, { load, store }) => {
          const at = b.let(i32.add(lines, after))
          const [sum] = downFrom(i32.add(p.from, at), [load])
          store(i32.add(p.to, at), sum)
        })
        b.advance(p.to, p.row)
        b.advance(p.from, i32.mul(p.terms, p.row))
      })
    })
  })
}

interface Monoid {
  readonly combine: (x: Value<'v128'>, y: Value<'v128'>) => Value<'v128'>
  /** The identity of the operation: combining with it changes nothing. */
  readonly nothing: () => Value<'v128'>
}

const monoids: Record<DType, Record<ReduceAttrs['kind'], Monoid>> = {
  f32: {
    sum: { combine: f32x4.add, nothing: () => f32x4.splat(0) },
    max: { combine: f32x4.max, nothing: () => f32x4.splat(-Infinity) },
    min: { combine: f32x4.min, nothing: () => f32x4.splat(Infinity) },
  },
  i32: {
    sum: { combine: i32x4.add, nothing: () => i32x4.splat(0) },
    max: { combine: i32x4.maxS, nothing: () => i32x4.splat(-(2 ** 31)) },
    min: { combine: i32x4.minS, nothing: () => i32x4.splat(2 ** 31 - 1) },
  },
}
