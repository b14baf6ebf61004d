/**
 * Scatter-add on WebGPU: every element of the result looks at all ids, in their order, and adds what is its own. No
 * atomics, so the same bits at every run.
 */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { sizeOf } from '../../shape.ts'
import { checkIds } from '../gather/check-ids.ts'

export const scatterAddWebGpu: WebGpuKernel<'scatterAdd'> = (backend, [ids, values], [out], { rows }) => {
  if (ids.buffer.uploaded) checkIds('scatterAdd', ids.buffer.uploaded, rows)
  const width = sizeOf(out.shape.slice(1))
  const program = backend.program('scatterAdd', () => ({
    bindings: { ids: 'read i32', values: 'read f32', to: 'write f32' },
    parameters: { count: 'u32', width: 'u32', many: 'u32' },
    body: `  if (index >= params.count) { return; }
  let row = i32(index / params.width);
  let column = index % params.width;
  var sum = 0.0;
  for (var i = 0u; i < params.many; i++) {
    if (ids[i] == row) { sum += values[i * params.width + column]; }
  }
  to[index] = sum;`,
  }))
  const count = sizeOf(out.shape)
  backend.run(program, [ids.buffer, values.buffer, out.buffer], [count, width, sizeOf(ids.shape)], count)
}
