/** Root-mean-square normalization on WebGPU: a workgroup for a row. */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { blockedSums } from '../../backends/webgpu/wgsl/blocked-sum.ts'
import { workgroupSums } from '../../backends/webgpu/wgsl/workgroup-sum.ts'
import { sizeOf } from '../../shape.ts'
import { sumOverRows } from '../layer-norm/sum-over-rows.webgpu.ts'

const workgroup = 128
const ownColumns = { first: 'local', end: 'params.columns', step: workgroup }

export const rmsNormWebGpu: WebGpuKernel<'rmsNorm'> = (backend, [x, gain], [y, rrms], { epsilon, width }) => {
  const program = backend.program('rmsNorm', () => ({
    bindings: { x: 'read f32', gain: 'read f32', y: 'write f32', rrms: 'write f32' },
    parameters: { rows: 'u32', columns: 'u32', width: 'f32', epsilon: 'f32' },
    workgroup,
    declarations: workgroupSums(workgroup),
    body: `  if (group >= params.rows) { return; }
  let start = group * params.columns;
${blockedSums({ squares: 'x[start + i] * x[start + i]' }, ownColumns)}
  let scale = 1.0 / sqrt(sumOfAll(squares, local) / params.width + params.epsilon);
  for (var i = local; i < params.columns; i += ${workgroup}u) { y[start + i] = x[start + i] * scale * gain[i]; }
  if (local == 0u) { rrms[group] = scale; }`,
  }))
  const columns = x.shape.at(-1) ?? 1
  const rows = sizeOf(x.shape.slice(0, -1))
  const numbers = [rows, columns, width ?? columns, epsilon]
  backend.runGroups(program, [x.buffer, gain.buffer, y.buffer, rrms.buffer], numbers, rows)
}

export const rmsNormGradWebGpu: WebGpuKernel<'rmsNormGrad'> = (
  backend,
  [dy, x, gain, rrms],
  [dx, dgain],
  { width },
) => {
  const program = backend.program('rmsNormGrad', () => ({
    bindings: { dy: 'read f32', x: 'read f32', gain: 'read f32', rrms: 'read f32', dx: 'write f32' },
    parameters: { rows: 'u32', columns: 'u32', width: 'f32' },
    workgroup,
    declarations: workgroupSums(workgroup),
    body: `  if (group >= params.rows) { return; }
  let start = group * params.columns;
  let scale = rrms[group];
${blockedSums({ along: 'dy[start + i] * gain[i] * (x[start + i] * scale)' }, ownColumns)}
  let mean = sumOfAll(along, local) / params.width;
  for (var i = local; i < params.columns; i += ${workgroup}u) {
    dx[start + i] = scale * (dy[start + i] * gain[i] - x[start + i] * scale * mean);
  }`,
  }))
  const columns = x.shape.at(-1) ?? 1
  const rows = sizeOf(x.shape.slice(0, -1))
  const buffers = [dy, x, gain, rrms].map(({ buffer }) => buffer)
  backend.runGroups(program, [...buffers, dx.buffer], [rows, columns, width ?? columns], rows)
  const term = 'dy[at] * (x[at] * rrms[row])'
  const reads = [dy.buffer, x.buffer, rrms.buffer]
  sumOverRows(backend, ['dy', 'x', 'rrms'], reads, term, dgain.buffer, { rows, columns })
}
