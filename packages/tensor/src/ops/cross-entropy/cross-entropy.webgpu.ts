/** Cross-entropy on WebGPU: a workgroup for a row, without a softmax in memory. */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { mathFunctions } from '../../backends/webgpu/wgsl-math.ts'
import { workgroupSums } from '../../backends/webgpu/workgroup-sum.ts'

const workgroup = 128

export const crossEntropyWebGpu: WebGpuKernel<'crossEntropy'> = (
  backend,
  [logits, targets],
  [losses, logSumExp],
) => {
  const program = backend.program('crossEntropy', () => ({
    bindings: {
      ...{ logits: 'read f32', targets: 'read i32' },
      ...{ losses: 'write f32', logSumExp: 'write f32' },
    },
    parameters: { rows: 'u32', columns: 'u32' },
    workgroup,
    declarations: workgroupSums(workgroup),
    body: `  if (group >= params.rows) { return; }
  let start = group * params.columns;
  var top = bitcast<f32>(0xff800000u | params.zero);
  for (var i = local; i < params.columns; i += ${workgroup}u) { top = maximum(top, logits[start + i]); }
  let highest = maxOfAll(top, local);
  var total = 0.0;
  for (var i = local; i < params.columns; i += ${workgroup}u) { total += exp_(logits[start + i] - highest); }
  let sum = sumOfAll(total, local);
  if (local == 0u) {
    let whole = highest + log_(sum);
    let target_id = targets[group];
    logSumExp[group] = whole;
    var chosen = 0.0;
    if (target_id >= 0 && target_id < i32(params.columns)) { chosen = logits[start + u32(target_id)]; }
    losses[group] = select(whole - chosen, 0.0, target_id < 0);
  }`,
  }))
  const [rows, columns] = logits.shape
  const buffers = [logits, targets, losses, logSumExp].map(({ buffer }) => buffer)
  backend.runGroups(program, buffers, [rows, columns], rows)
}

export const crossEntropyGradWebGpu: WebGpuKernel<'crossEntropyGrad'> = (backend, inputs, [dlogits]) => {
  const program = backend.program('crossEntropyGrad', () => ({
    bindings: {
      ...{ dlosses: 'read f32', logits: 'read f32', targets: 'read i32', logSumExp: 'read f32' },
      dlogits: 'write f32',
    },
    parameters: { count: 'u32', columns: 'u32' },
    declarations: mathFunctions,
    body: `  if (index >= params.count) { return; }
  let row = index / params.columns;
  let target_id = targets[row];
  let share = exp_(logits[index] - logSumExp[row]);
  let slope = share - select(0.0, 1.0, i32(index % params.columns) == target_id);
  dlogits[index] = select(slope, 0.0, target_id < 0) * dlosses[row];`,
  }))
  const [rows, columns] = dlogits.shape
  const buffers = [...inputs, dlogits].map(({ buffer }) => buffer)
  backend.run(program, buffers, [rows * columns, columns], rows * columns)
}
