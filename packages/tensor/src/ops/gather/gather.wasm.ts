import { i32 } from '../../backends/wasm/assembler/index.ts'
import { minNumbers } from '../../backends/wasm/loops/row-loop.ts'
import type { WasmBackend, WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'
import { checkIds } from './check-ids.ts'

export const gatherWasm: WasmKernel<'gather'> = (backend, [table, ids], [out]) => {
  const count = sizeOf(ids.shape)
  checkIds('gather', backend.view('i32', ids.buffer, count), table.shape[0])
  const { gather } = gatherFunctions(backend)
  const row = 4 * sizeOf(table.shape.slice(1))
  backend.runOver(gather, count, (4 * minNumbers) / Math.max(row, 1), (first, many) => {
    return [out.buffer + row * first, table.buffer, ids.buffer + 4 * first, many, row]
  })
}

function gatherFunctions(backend: WasmBackend): ReturnType<WasmBackend['functions']> {
  return backend.functions('gather', (module) => {
    const parameters = { to: 'i32', table: 'i32', ids: 'i32', count: 'i32', rowBytes: 'i32' } as const
    module.export('gather', parameters, (b, { to, table, ids, count, rowBytes }) => {
      b.repeat(count, () => {
        b.copy(to, i32.add(table, i32.mul(i32.load(ids), rowBytes)), rowBytes)
        b.advance(to, rowBytes)
        b.advance(ids, 4)
      })
    })
  })
}
