/** Assign on WASM: a strided copy into the target, or a vector addition row by row. */
import { f32x4, i32, i32x4 } from '../../backends/wasm/assembler/index.ts'
import { forRow } from '../../backends/wasm/loops/row-loop.ts'
import { runInPlace, writeInPlace } from '../../backends/wasm/loops/run-in-place.ts'
import { copyStrided } from '../../backends/wasm/loops/strided-copy.ts'
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
    runInPlace(backend, add, sizeOf(source.shape), 1, (from, many, room) => {
      return [target.buffer + 4 * from, source.buffer + 4 * from, many, room]
    })
    return
  }
  for (let i = 0; i < rows; i++)
    add(to.at + 4 * rowOffset(i, source.shape, strides), source.buffer + 4 * i * row, row, 0)
}

/** The place of row `i` of a box, in elements from the box's first. */
function rowOffset(i: number, shape: readonly number[], strides: readonly number[]): number {
  let rest = i
  let at = 0
  for (let d = shape.length - 2; d >= 0; d--) {
    at += (rest % shape[d]) * strides[d]
    rest = Math.floor(rest / shape[d])
  }
  return at
}

function addFunctions(backend: WasmBackend, dtype: DType): ReturnType<WasmBackend['functions']> {
  const plus = dtype === 'f32' ? f32x4.add : i32x4.add
  return backend.functions(`add into ${dtype}`, (module) => {
    const parameters = { to: 'i32', from: 'i32', count: 'i32', room: 'i32' } as const
    module.export('add', parameters, (b, { to, from, count, room }) => {
      const bytes = b.let(i32.shl(count, 2))
      writeInPlace(b, room, bytes, [to], ([sums]) => {
        forRow(b, bytes, (at, { load, store }) => {
          store(i32.add(sums, at), plus(load(i32.add(to, at)), load(i32.add(from, at))))
        })
      })
    })
  })
}
