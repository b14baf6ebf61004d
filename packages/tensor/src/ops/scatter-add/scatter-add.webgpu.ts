/**
 * Scatter-add on WebGPU: a workgroup for a row of the result reads all ids, many at a time, and adds up the
 * values of its row in their order. There are no atomics on sums, so the bits are the same at every run; and
 * ids may come from the device.
 */
import { blockTerms } from '../../backends/webgpu/wgsl/blocked-sum.ts'
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { sizeOf } from '../../shape.ts'
import { checkIds } from '../gather/check-ids.ts'

const workgroup = 64
/**
 * Number of ids that are read between two barriers: 32 for each word of a mask, a word for each invocation.
 */
const stretch = 32 * workgroup

export const scatterAddWebGpu: WebGpuKernel<'scatterAdd'> = (backend, [ids, values], [out], { rows }) => {
  if (ids.buffer.uploaded) checkIds('scatterAdd', ids.buffer.uploaded, rows)
  const width = sizeOf(out.shape.slice(1))
  if (width === 0) return
  const program = backend.program('scatterAdd', () => ({
    bindings: { ids: 'read i32', values: 'read f32', to: 'write f32' },
    parameters: { groups: 'u32', width: 'u32', many: 'u32', parts: 'u32' },
    workgroup,
    declarations: `var<workgroup> mine: array<u32, ${workgroup}>;
var<workgroup> any: atomic<u32>;`,
    body: `  if (group >= params.groups) { return; }
  let row = i32(group / params.parts);
  let column = group % params.parts * ${workgroup}u + local;
  // The sum runs in blocks of blocks: the values of a range of ids, of many ranges, and all.
  var sum = 0.0;
  var ofMany = 0.0;
  for (var first = 0u; first < params.many; first += ${stretch}u) {
    // Which ids of the range are this row's: bit b of word w stands for id 32w + b.
    var word = 0u;
    for (var b = 0u; b < 32u; b++) {
      let i = first + 32u * local + b;
      if (i < params.many) { word |= select(0u, 1u << b, ids[i] == row); }
    }
    mine[local] = word;
    if (word != 0u) { atomicOr(&any, 1u); }
    workgroupBarrier();
    if (atomicLoad(&any) != 0u) {
      var ofStretch = 0.0;
      var ofBlock = 0.0;
      var inBlock = 0u;
      for (var w = 0u; w < ${workgroup}u; w++) {
        var left = mine[w];
        while (left != 0u) {
          let b = firstTrailingBit(left);
          if (column < params.width) { ofBlock += values[(first + 32u * w + b) * params.width + column]; }
          left &= left - 1u;
          inBlock++;
          if (inBlock == ${blockTerms}u) { ofStretch += ofBlock; ofBlock = 0.0; inBlock = 0u; }
        }
      }
      ofMany += ofStretch + ofBlock;
    }
    if (first / ${stretch}u % ${blockTerms}u == ${blockTerms - 1}u) { sum += ofMany; ofMany = 0.0; }
    workgroupBarrier();
    if (local == 0u) { atomicStore(&any, 0u); }
    workgroupBarrier();
  }
  if (column < params.width) { to[u32(row) * params.width + column] = sum + ofMany; }`,
  }))
  const parts = Math.ceil(width / workgroup)
  const groups = rows * parts
  const buffers = [ids.buffer, values.buffer, out.buffer]
  backend.runGroups(program, buffers, [groups, width, sizeOf(ids.shape), parts], groups)
}
