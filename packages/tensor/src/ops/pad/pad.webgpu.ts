/** Pad on WebGPU: zeros, then a copy into their middle. */
import { copyBox } from '../../backends/webgpu/wgsl/strided.ts'
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { sizeOf, stridesOf } from '../../shape.ts'
import { fillBuffer } from '../fill/fill.webgpu.ts'

export const padWebGpu: WebGpuKernel<'pad'> = (backend, [x], [out], { before }) => {
  fillBuffer(backend, out.buffer, sizeOf(out.shape), 0, out.dtype)
  const strides = stridesOf(out.shape)
  const at = before.reduce((sum, n, i) => sum + n * strides[i], 0)
  const from = { buffer: x.buffer, at: 0, strides: stridesOf(x.shape) }
  copyBox(backend, x.shape, { buffer: out.buffer, at, strides }, from, x.dtype)
}
