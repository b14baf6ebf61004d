/**
 * Layer normalization on WebGPU: a workgroup for a row. The variance comes from centered numbers, so that
 * nothing cancels.
 */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { blockedSums } from '../../backends/webgpu/wgsl/blocked-sum.ts'
import { workgroupSums } from '../../backends/webgpu/wgsl/workgroup-sum.ts'
import { sizeOf } from '../../shape.ts'
import { sumOverRows } from './sum-over-rows.webgpu.ts'

const workgroup = 128
const ownColumns = { first: 'local', end: 'params.columns', step: workgroup }

export const layerNormWebGpu: WebGpuKernel<'layerNorm'> = (backend, inputs, outputs, { epsilon }) => {
  const program = backend.program('layerNorm', () => ({
    bindings: {
      x: 'read f32',
      gain: 'read f32',
      bias: 'read f32',
      y: 'write f32',
      mean: 'write f32',
      rstd: 'write f32',
    },
    parameters: { rows: 'u32', columns: 'u32', epsilon: 'f32' },
    workgroup,
    declarations: workgroupSums(workgroup),
    body: `  if (group >= params.rows) { return; }
  let start = group * params.columns;
  let count = f32(params.columns);
${blockedSums({ total: 'x[start + i]' }, ownColumns)}
  let mu = sumOfAll(total, local) / count;
${blockedSums({ squares: 'centered * centered' }, { ...ownColumns, before: 'let centered = x[start + i] - mu;' })}
  let scale = 1.0 / sqrt(sumOfAll(squares, local) / count + params.epsilon);
  for (var i = local; i < params.columns; i += ${workgroup}u) {
    y[start + i] = (x[start + i] - mu) * scale * gain[i] + bias[i];
  }
  if (local == 0u) { mean[group] = mu; rstd[group] = scale; }`,
  }))
  const [{ shape }] = inputs
  const columns = shape.at(-1) ?? 1
  const rows = sizeOf(shape.slice(0, -1))
  backend.runGroups(
    program,
    [...inputs, ...outputs].map(({ buffer }) => buffer),
    [rows, columns, epsilon],
    rows,
  )
}

export const layerNormGradWebGpu: WebGpuKernel<'layerNormGrad'> = (backend, inputs, outputs) => {
  const [dy, x, gain, mean, rstd] = inputs
  const [dx, dgain, dbias] = outputs
  const columns = x.shape.at(-1) ?? 1
  const rows = sizeOf(x.shape.slice(0, -1))
  // x̂ = (x − μ)·rstd;  dx = rstd·(dŷ − mean(dŷ) − x̂·mean(dŷ·x̂)) with dŷ = dy·gain
  const program = backend.program('layerNormGrad', () => ({
    bindings: {
      dy: 'read f32',
      x: 'read f32',
      gain: 'read f32',
      mean: 'read f32',
      rstd: 'read f32',
      dx: 'write f32',
    },
    parameters: { rows: 'u32', columns: 'u32' },
    workgroup,
    declarations: workgroupSums(workgroup),
    body: `  if (group >= params.rows) { return; }
  let start = group * params.columns;
  let count = f32(params.columns);
  let mu = mean[group];
  let scale = rstd[group];
${blockedSums(
  { total: 'gradient', along: 'gradient * ((x[start + i] - mu) * scale)' },
  { ...ownColumns, before: 'let gradient = dy[start + i] * gain[i];' },
)}
  let meanGradient = sumOfAll(total, local) / count;
  let meanAlong = sumOfAll(along, local) / count;
  for (var i = local; i < params.columns; i += ${workgroup}u) {
    let normal = (x[start + i] - mu) * scale;
    dx[start + i] = scale * (dy[start + i] * gain[i] - meanGradient - normal * meanAlong);
  }`,
  }))
  const buffers = [dy, x, gain, mean, rstd].map(({ buffer }) => buffer)
  backend.runGroups(program, [...buffers, dx.buffer], [rows, columns], rows)
  const reads = [dy, x, mean, rstd].map(({ buffer }) => buffer)
  const names = ['dy', 'x', 'mean', 'rstd']
  const size = { rows, columns }
  sumOverRows(backend, names, reads, 'dy[at] * ((x[at] - mean[row]) * rstd[row])', dgain.buffer, size)
  sumOverRows(backend, ['dy'], [dy.buffer], 'dy[at]', dbias.buffer, size)
}
