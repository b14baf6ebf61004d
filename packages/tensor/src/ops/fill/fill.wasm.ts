import { f32x4, i32, i32x4 } from '../../backends/wasm/assembler/index.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'

export const fillWasm: WasmKernel<'fill'> = (backend, _, [out], { value, dtype }) => {
  const { fillFloats, fillIntegers } = backend.functions('fill', (module) => {
    // A block is padded to whole vectors, so the last store may pass the last element.
    module.export('fillFloats', { to: 'i32', count: 'i32', value: 'f32' }, (b, p) => {
      b.forRange(0, p.count, 4, (i) => b.store(i32.add(p.to, i32.shl(i, 2)), f32x4.splat(p.value)))
    })
    module.export('fillIntegers', { to: 'i32', count: 'i32', value: 'i32' }, (b, p) => {
      b.forRange(0, p.count, 4, (i) => b.store(i32.add(p.to, i32.shl(i, 2)), i32x4.splat(p.value)))
    })
  })
  const fill = dtype === 'f32' ? fillFloats : fillIntegers
  fill(out.buffer, sizeOf(out.shape), value)
}
