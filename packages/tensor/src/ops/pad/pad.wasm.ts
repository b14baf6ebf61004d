import { copyStrided } from '../../backends/wasm/loops/strided-copy.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf, stridesOf } from '../../shape.ts'

export const padWasm: WasmKernel<'pad'> = (backend, [x], [out], { before }) => {
  backend.view('i32', out.buffer, sizeOf(out.shape)).fill(0)
  const strides = stridesOf(out.shape)
  const first = before.reduce((at, n, i) => at + n * strides[i], 0)
  const from = { at: x.buffer, strides: stridesOf(x.shape) }
  copyStrided(backend, x.shape, { at: out.buffer + 4 * first, strides }, from)
}
