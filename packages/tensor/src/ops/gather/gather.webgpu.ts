/** Gather on WebGPU. Uploaded ids are checked; a row whose id was computed, and lies outside, becomes NaN. */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { sizeOf } from '../../shape.ts'
import { checkIds } from './check-ids.ts'

export const gatherWebGpu: WebGpuKernel<'gather'> = (backend, [table, ids], [out]) => {
  const [rows] = table.shape
  if (ids.buffer.uploaded) checkIds('gather', ids.buffer.uploaded, rows)
  const width = sizeOf(table.shape.slice(1))
  const program = backend.program(`gather ${table.dtype}`, () => ({
    bindings: { table: `read ${table.dtype}`, ids: 'read i32', to: `write ${table.dtype}` },
    parameters: { count: 'u32', width: 'u32', rows: 'i32', nothing: 'u32' },
    body: `  if (index >= params.count) { return; }
  let id = ids[index / params.width];
  let isKnown = id >= 0 && id < params.rows;
  let found = table[u32(select(0, id, isKnown)) * params.width + index % params.width];
  to[index] = select(bitcast<${table.dtype}>(params.nothing), found, isKnown);`,
  }))
  const count = sizeOf(out.shape)
  backend.run(program, [table.buffer, ids.buffer, out.buffer], [count, width, rows, 0x7fc00000], count)
}
