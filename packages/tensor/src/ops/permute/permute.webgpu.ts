/** Permute on WebGPU: a copy between two layouts. */
import { copyBox } from '../../backends/webgpu/wgsl/strided.ts'
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { stridesOf } from '../../shape.ts'

export const permuteWebGpu: WebGpuKernel<'permute'> = (backend, [x], [out], { order }) => {
  const from = stridesOf(x.shape)
  const strides = order.map((axis) => from[axis])
  const to = { buffer: out.buffer, at: 0, strides: stridesOf(out.shape) }
  copyBox(backend, out.shape, to, { buffer: x.buffer, at: 0, strides }, x.dtype)
}
