/** Iota on WebGPU. */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { sizeOf } from '../../shape.ts'

export const iotaWebGpu: WebGpuKernel<'iota'> = (backend, _, [out]) => {
  const program = backend.program(`iota ${out.dtype}`, () => ({
    bindings: { to: `write ${out.dtype}` },
    parameters: { count: 'u32' },
    body: `  if (index < params.count) { to[index] = ${out.dtype}(index); }`,
  }))
  const count = sizeOf(out.shape)
  backend.run(program, [out.buffer], [count], count)
}
