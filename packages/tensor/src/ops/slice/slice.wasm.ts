import { copyStrided } from '../../backends/wasm/loops/strided-copy.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { stridesOf } from '../../shape.ts'

export const sliceWasm: WasmKernel<'slice'> = (backend, [x], [out], { start }) => {
  const strides = stridesOf(x.shape)
  const first = start.reduce((at, n, i) => at + n * strides[i], 0)
  const to = { at: out.buffer, strides: stridesOf(out.shape) }
  copyStrided(backend, out.shape, to, { at: x.buffer + 4 * first, strides })
}
