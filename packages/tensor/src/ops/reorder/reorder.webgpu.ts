/** Reorder on WebGPU: an invocation for an index. */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { sizeOf } from '../../shape.ts'
import { checkIds } from '../gather/check-ids.ts'

export const reorderWebGpu: WebGpuKernel<'reorder'> = (backend, [x, indices], [out], { inverse }) => {
  const n = x.shape.at(-1) as number
  if (indices.buffer.uploaded) checkIds('reorder', indices.buffer.uploaded, n)
  const [to, from] = inverse ? ['other', 'index'] : ['index', 'other']
  const program = backend.program(`reorder ${x.dtype} ${from}`, () => ({
    bindings: { x: `read ${x.dtype}`, indices: 'read i32', to: `write ${x.dtype}` },
    parameters: { count: 'u32', n: 'u32' },
    body: `  if (index >= params.count) { return; }
  let found = u32(indices[index]);
  if (found >= params.n) { return; }
  let other = index / params.n * params.n + found;
  to[${to}] = x[${from}];`,
  }))
  const count = sizeOf(x.shape)
  backend.run(program, [x.buffer, indices.buffer, out.buffer], [count, n], count)
}
