/**
 * Reduce on WASM. Adjacent axes of one kind are joined, so what is left alternates between kept and reduced; each run of
 * reduced axes is one pass, from the last to the first.
 */
import { f32x4, i32, i32x4, type Value } from '../../backends/wasm/assembler/index.ts'
import { forRow } from '../../backends/wasm/row-loop.ts'
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
      carryOut(functions, pass, out.buffer, at)
      return
    }
    backend.scratch(4 * pass.outer * pass.inner, 'reduce', (between) => {
      carryOut(functions, pass, between, at)
      run(between, later)
    })
  }
  run(x.buffer, passes)
}

/** `[outer, terms, inner]` → `[outer, inner]`. */
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
  // Nothing to reduce is a pass of one term: a copy.
  return passes.length > 0 ? passes : [{ outer: sizeOf(shape), terms: 1, inner: 1 }]
}

function carryOut(
  functions: KernelFunctions,
  { outer, terms, inner }: Pass,
  to: Pointer,
  from: Pointer,
): void {
  if (inner === 1) functions.rows(to, from, outer, 4 * terms)
  else functions.columns(to, from, outer, terms, 4 * inner)
}

function reduceFunctions(backend: WasmBackend, kind: ReduceAttrs['kind'], dtype: DType): KernelFunctions {
  return backend.functions(`reduce ${kind} ${dtype}`, (module) => {
    const { combine, nothing } = monoids[dtype][kind]
    module.export('rows', { to: 'i32', from: 'i32', rows: 'i32', bytes: 'i32' }, (b, p) => {
      b.repeat(p.rows, () => {
        const total = b.local('v128', nothing())
        forRow(b, p.bytes, (at, { load, fillWith }) => {
          b.set(total, combine(total, fillWith(load(i32.add(p.from, at)), nothing())))
        })
        b.set(total, combine(total, i32x4.shuffle(total, total, [2, 3, 0, 1])))
        b.set(total, combine(total, i32x4.shuffle(total, total, [1, 0, 3, 2])))
        b.storeLane(p.to, total, 0)
        b.advance(p.to, 4)
        b.advance(p.from, p.bytes)
      })
    })
    module.export('columns', { to: 'i32', from: 'i32', outer: 'i32', terms: 'i32', bytes: 'i32' }, (b, p) => {
      b.repeat(p.outer, () => {
        forRow(b, p.bytes, (at, { load, store }) => {
          const total = b.local('v128', nothing())
          const term = b.local('i32', i32.add(p.from, at))
          b.repeat(p.terms, () => {
            b.set(total, combine(total, load(term)))
            b.advance(term, p.bytes)
          })
          store(i32.add(p.to, at), total)
        })
        b.advance(p.to, p.bytes)
        b.advance(p.from, i32.mul(p.terms, p.bytes))
      })
    })
  })
}

interface Monoid {
  readonly combine: (x: Value<'v128'>, y: Value<'v128'>) => Value<'v128'>
  /** What combining with changes nothing. */
  readonly nothing: () => Value<'v128'>
}

const monoids: Record<DType, Record<ReduceAttrs['kind'], Monoid>> = {
  f32: {
    sum: { combine: f32x4.add, nothing: () => f32x4.splat(0) },
    max: { combine: f32x4.max, nothing: () => f32x4.splat(-Infinity) },
  },
  i32: {
    sum: { combine: i32x4.add, nothing: () => i32x4.splat(0) },
    max: { combine: i32x4.maxS, nothing: () => i32x4.splat(-(2 ** 31)) },
  },
}
