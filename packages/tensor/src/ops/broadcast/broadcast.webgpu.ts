/** Broadcast on WebGPU: a copy from a layout whose repeated axes have stride 0. */
import { copyBox } from '../../backends/webgpu/wgsl/strided.ts'
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { broadcastStrides, stridesOf } from '../../shape.ts'

export const broadcastWebGpu: WebGpuKernel<'broadcast'> = (backend, [x], [out]) => {
  const to = { buffer: out.buffer, at: 0, strides: stridesOf(out.shape) }
  const from = { buffer: x.buffer, at: 0, strides: broadcastStrides(x.shape, out.shape) }
  copyBox(backend, out.shape, to, from, x.dtype)
}
