/** Assign on WebGPU: a copy or a sum into a box of the target. */
import { copyBox } from '../../backends/webgpu/wgsl/strided.ts'
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { stridesOf } from '../../shape.ts'

export const assignWebGpu: WebGpuKernel<'assign'> = (backend, [target, source], _, { start, mode }) => {
  const strides = stridesOf(target.shape)
  const at = start.reduce((sum, n, i) => sum + n * strides[i], 0)
  const from = { buffer: source.buffer, at: 0, strides: stridesOf(source.shape) }
  copyBox(backend, source.shape, { buffer: target.buffer, at, strides }, from, target.dtype, mode)
}
