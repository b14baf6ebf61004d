import { copyStrided } from '../../backends/wasm/loops/strided-copy.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { broadcastStrides, stridesOf } from '../../shape.ts'

export const broadcastWasm: WasmKernel<'broadcast'> = (backend, [x], [out]) => {
  copyStrided(
    backend,
    out.shape,
    { at: out.buffer, strides: stridesOf(out.shape) },
    { at: x.buffer, strides: broadcastStrides(x.shape, out.shape) },
  )
}
