/** Concatenate on WebGPU: each input is copied to its place. */
import { copyBox } from '../../backends/webgpu/wgsl/strided.ts'
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { stridesOf } from '../../shape.ts'

export const concatenateWebGpu: WebGpuKernel<'concatenate'> = (backend, inputs, [out], { axis }) => {
  const strides = stridesOf(out.shape)
  let first = 0
  for (const x of inputs) {
    const to = { buffer: out.buffer, at: first * strides[axis], strides }
    copyBox(backend, x.shape, to, { buffer: x.buffer, at: 0, strides: stridesOf(x.shape) }, x.dtype)
    first += x.shape[axis]
  }
}
