import { copyStrided } from '../../backends/wasm/loops/strided-copy.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { stridesOf } from '../../shape.ts'

export const concatenateWasm: WasmKernel<'concatenate'> = (backend, inputs, [out], { axis }) => {
  const strides = stridesOf(out.shape)
  let at = out.buffer
  for (const x of inputs) {
    copyStrided(backend, x.shape, { at, strides }, { at: x.buffer, strides: stridesOf(x.shape) })
    at += 4 * x.shape[axis] * strides[axis]
  }
}
