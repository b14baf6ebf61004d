import { f32x4, i32, i32x4 } from '../../backends/wasm/assembler/index.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'

export const iotaWasm: WasmKernel<'iota'> = (backend, _, [out], { size, dtype }) => {
  const functions = backend.functions('iota', (module) => {
    for (const type of ['f32', 'i32'] as const) {
      module.export(type, { to: 'i32', count: 'i32' }, (b, { to, count }) => {
        const numbers = b.local('v128', i32x4.const(0, 1, 2, 3))
        // A block is padded to whole vectors, so the last store may pass the last element.
        b.forRange(0, count, 4, (i) => {
          b.store(i32.add(to, i32.shl(i, 2)), type === 'f32' ? f32x4.convertI32x4S(numbers) : numbers)
          b.set(numbers, i32x4.add(numbers, 4))
        })
      })
    }
  })
  functions[dtype](out.buffer, size)
}
