/** Linear on WebGPU: the product with its bias. */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { product } from '../matmul/webgpu/product.webgpu.ts'

export const linearWebGpu: WebGpuKernel<'linear'> = (backend, [x, w, b], [y]) => {
  const [m, k] = x.shape
  const [, n] = w.shape
  product(backend, {
    m,
    n,
    k,
    batch: 1,
    a: { buffer: x.buffer, at: 0, row: k, column: 1, step: 0 },
    b: { buffer: w.buffer, at: 0, row: n, column: 1, step: 0 },
    c: { buffer: y.buffer, at: 0 },
    bias: b.buffer,
  })
}
