/** Argmax on WebGPU: one invocation for a row; the first of equals wins. */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { mathFunctions } from '../../backends/webgpu/wgsl/wgsl-math.ts'
import { sizeOf } from '../../shape.ts'

export const argmaxWebGpu: WebGpuKernel<'argmax'> = (backend, [x], [out]) => {
  const program = backend.program(`argmax ${x.dtype}`, () => ({
    bindings: { x: `read ${x.dtype}`, to: 'write i32' },
    parameters: { rows: 'u32', columns: 'u32' },
    declarations: mathFunctions,
    body: `  if (index >= params.rows) { return; }
  let start = index * params.columns;
  var best = 0u;
  for (var i = 1u; i < params.columns; i++) {
    if (isNaN(x[start + best])) { break; }
    if (isNaN(x[start + i]) || x[start + i] > x[start + best]) { best = i; }
  }
  to[index] = i32(best);`,
  }))
  const rows = sizeOf(out.shape)
  backend.run(program, [x.buffer, out.buffer], [rows, x.shape.at(-1) as number], rows)
}
