/** Fill on WebGPU. */
import type { GpuBuffer } from '../../backends/webgpu/queue/buffer-pool.ts'
import type { WebGpuBackend, WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { sizeOf } from '../../shape.ts'
import type { DType } from '../../dtype.ts'

export const fillWebGpu: WebGpuKernel<'fill'> = (backend, _, [out], { value }) => {
  fillBuffer(backend, out.buffer, sizeOf(out.shape), value, out.dtype)
}

/** Sets the first `count` numbers of a buffer. */
export function fillBuffer(
  backend: WebGpuBackend,
  buffer: GpuBuffer,
  count: number,
  value: number,
  dtype: DType,
): void {
  const program = backend.program(`fill ${dtype}`, () => ({
    bindings: { to: `write ${dtype}` },
    parameters: { count: 'u32', value: dtype },
    body: '  if (index < params.count) { to[index] = params.value; }',
  }))
  backend.run(program, [buffer], [count, value], count)
}
