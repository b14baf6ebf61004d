/** Scatter-add on WASM: rows are added in order of position, so the sum's bits do not depend on anything else. */
import { f32x4, i32 } from '../../backends/wasm/assembler/index.ts'
import { forRow } from '../../backends/wasm/row-loop.ts'
import type { WasmBackend, WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'
import { checkIds } from '../gather/check-ids.ts'

export const scatterAddWasm: WasmKernel<'scatterAdd'> = (backend, [ids, values], [out], { rows }) => {
  const count = sizeOf(ids.shape)
  checkIds('scatterAdd', backend.view('i32', ids.buffer, count), rows)
  const width = sizeOf(out.shape.slice(1))
  const { scatter } = scatterFunctions(backend)
  scatter(out.buffer, values.buffer, ids.buffer, count, 4 * width, 4 * width * rows)
}

function scatterFunctions(backend: WasmBackend): ReturnType<WasmBackend['functions']> {
  return backend.functions('scatter add', (module) => {
    // biome-ignore format: one line
    const parameters = {
      to: 'i32', from: 'i32', ids: 'i32', count: 'i32', rowBytes: 'i32', allBytes: 'i32',
    } as const
    module.export('scatter', parameters, (b, { to, from, ids, count, rowBytes, allBytes }) => {
      b.fill(to, 0, allBytes)
      b.repeat(count, () => {
        const row = b.let(i32.add(to, i32.mul(i32.load(ids), rowBytes)))
        forRow(b, rowBytes, (at, { load, store }) => {
          const target = b.let(i32.add(row, at))
          store(target, f32x4.add(load(target), load(i32.add(from, at))))
        })
        b.advance(from, rowBytes)
        b.advance(ids, 4)
      })
    })
  })
}
