import { copyStrided } from '../../backends/wasm/loops/strided-copy.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { stridesOf } from '../../shape.ts'

export const permuteWasm: WasmKernel<'permute'> = (backend, [x], [out], { order }) => {
  const from = stridesOf(x.shape)
  copyStrided(
    backend,
    out.shape,
    { at: out.buffer, strides: stridesOf(out.shape) },
    { at: x.buffer, strides: order.map((axis) => from[axis]) },
  )
}
