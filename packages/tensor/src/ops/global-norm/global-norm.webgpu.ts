/** The global norm on WebGPU: sums of squares of fixed pieces, then one workgroup over these. */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { workgroupSums } from '../../backends/webgpu/workgroup-sum.ts'
import { sizeOf } from '../../shape.ts'

const workgroup = 128
/** Numbers of a piece. */
const pieceSize = 4096

export const globalNormWebGpu: WebGpuKernel<'globalNorm'> = (backend, inputs, [norm]) => {
  const sizes = inputs.map((x) => sizeOf(x.shape))
  const pieces = sizes.map((size) => Math.ceil(size / pieceSize))
  const total = pieces.reduce((sum, own) => sum + own, 0)
  const squares = backend.program('sums of squares', () => ({
    bindings: { x: 'read f32', partials: 'write f32' },
    parameters: { count: 'u32', pieces: 'u32', at: 'u32' },
    workgroup,
    declarations: workgroupSums(workgroup),
    body: `  if (group >= params.pieces) { return; }
  let first = group * ${pieceSize}u;
  var total = 0.0;
  for (var i = first + local; i < min(first + ${pieceSize}u, params.count); i += ${workgroup}u) { total += x[i] * x[i]; }
  let sum = sumOfAll(total, local);
  if (local == 0u) { partials[params.at + group] = sum; }`,
  }))
  const root = backend.program('root of a sum', () => ({
    bindings: { partials: 'read f32', norm: 'write f32' },
    parameters: { pieces: 'u32' },
    workgroup,
    declarations: workgroupSums(workgroup),
    body: `  var total = 0.0;
  for (var i = local; i < params.pieces; i += ${workgroup}u) { total += partials[i]; }
  let sum = sumOfAll(total, local);
  if (local == 0u) { norm[0] = sqrt(sum); }`,
  }))
  backend.scratch(4 * total, 'globalNorm', (partials) => {
    let at = 0
    inputs.forEach((x, i) => {
      backend.runGroups(squares, [x.buffer, partials], [sizes[i], pieces[i], at], pieces[i])
      at += pieces[i]
    })
    backend.runGroups(root, [partials, norm.buffer], [total], 1)
  })
}
