/** Linear on WASM: a product whose sums start at the bias, so adding it costs nothing. */
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { gemm } from '../matmul/wasm/gemm.wasm.ts'

export const linearWasm: WasmKernel<'linear'> = (backend, [x, w, bias], [y]) => {
  const [n, k] = x.shape
  const m = w.shape[1]
  gemm(backend, {
    m: n,
    n: m,
    k,
    a: { at: x.buffer, row: 4 * k, column: 4 },
    b: { at: w.buffer, row: 4 * m, column: 4 },
    c: y.buffer,
    cRow: 4 * m,
    init: { row: bias.buffer },
  })
}
