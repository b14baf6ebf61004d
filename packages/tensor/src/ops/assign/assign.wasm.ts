/** Assign on WASM: a strided copy into the target, or a vector addition row by row. */
import { f32x4, i32, i32x4 } from '../../backends/wasm/assembler/index.ts'
import { leastNumbers, forRow } from '../../backends/wasm/row-loop.ts'
import { copyStrided } from '../../backends/wasm/strided-copy.ts'
import type { WasmBackend, WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import type { DType } from '../../dtype.ts'
import { sizeOf, stridesOf } from '../../shape.ts'

export const assignWasm: WasmKernel<'assign'> = (backend, [target, source], _, { start, mode }) => {
  const strides = stridesOf(target.shape)
  const first = start.reduce((at, n, i) => at + n * strides[i], 0)
  const to = { at: target.buffer + 4 * first, strides }
  if (mode === 'set') {
    copyStrided(backend, source.shape, to, { at: source.buffer, strides: stridesOf(source.shape) })
    return
  }
  const { add } = addFunctions(backend, target.dtype)
  const row = source.shape.at(-1) ?? 1
  const rows = sizeOf(source.shape) / Math.max(row, 1)
  if (sizeOf(source.shape) === sizeOf(target.shape)) {
    backend.runOver(add, sizeOf(source.shape), leastNumbers, (from, many) => {
      return [target.buffer + 4 * from, source.buffer + 4 * from, many]
    })
    return
  }
  for (let i = 0; i < rows; i++)
    add(to.at + 4 * rowOffset(i, source.shape, strides), source.buffer + 4 * i * row, row)
}

/** Where row `i` of a box lies, in elements from the box's first. */
function rowOffset(i: number, shape: readonly number[], strides: readonly number[]): number {
  let [rest, at] = [i, 0]
  for (let d = shape.length - 2; d >= 0; d--) {
    at += (rest % shape[d]) * strides[d]
    rest = Math.floor(rest / shape[d])
  }
  return at
}

function addFunctions(backend: WasmBackend, dtype: DType): ReturnType<WasmBackend['functions']> {
  const plus = dtype === 'f32' ? f32x4.add : i32x4.add
  return backend.functions(`add into ${dtype}`, (module) => {
    module.export('add', { to: 'i32', from: 'i32', count: 'i32' }, (b, { to, from, count }) => {
      forRow(b, i32.shl(count, 2), (at, { load, store }) => {
        const target = b.let(i32.add(to, at))
        store(target, plus(load(target), load(i32.add(from, at))))
      })
    })
  })
}
