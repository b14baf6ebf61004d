/** Slice on WebGPU: a copy of a box. */
import { copyBox } from '../../backends/webgpu/wgsl/strided.ts'
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { stridesOf } from '../../shape.ts'

export const sliceWebGpu: WebGpuKernel<'slice'> = (backend, [x], [out], { start }) => {
  const strides = stridesOf(x.shape)
  const at = start.reduce((sum, n, i) => sum + n * strides[i], 0)
  const to = { buffer: out.buffer, at: 0, strides: stridesOf(out.shape) }
  copyBox(backend, out.shape, to, { buffer: x.buffer, at, strides }, x.dtype)
}
