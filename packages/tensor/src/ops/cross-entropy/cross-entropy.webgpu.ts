/** Cross-entropy on WebGPU: a workgroup for a row, without a softmax in memory. */
import type { GpuBuffer } from '../../backends/webgpu/queue/buffer-pool.ts'
import type { WebGpuBackend, WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { mathFunctions } from '../../backends/webgpu/wgsl/wgsl-math.ts'
import { blockedSums } from '../../backends/webgpu/wgsl/blocked-sum.ts'
import { workgroupSums } from '../../backends/webgpu/wgsl/workgroup-sum.ts'

const workgroup = 128
const ownColumns = { first: 'local', end: 'params.columns', step: workgroup }

/** A range of rows: logits begin at their buffer's start, tensors with one number per row at `firstRow`. */
interface Rows {
  readonly firstRow: number
  readonly rows: number
  readonly columns: number
}

export const crossEntropyWebGpu: WebGpuKernel<'crossEntropy'> = (backend, inputs, outputs) => {
  const [rows, columns] = inputs[0].shape
  const [logits, targets, losses, logSumExp] = [...inputs, ...outputs].map(({ buffer }) => buffer)
  rowLosses(backend, { logits, targets, losses, logSumExp }, { firstRow: 0, rows, columns })
}

export function rowLosses(
  backend: WebGpuBackend,
  buffers: Readonly<Record<'logits' | 'targets' | 'losses' | 'logSumExp', GpuBuffer>>,
  { firstRow, rows, columns }: Rows,
): void {
  const program = backend.program('crossEntropy', () => ({
    bindings: {
      logits: 'read f32',
      targets: 'read i32',
      losses: 'write f32',
      logSumExp: 'write f32',
    },
    parameters: { firstRow: 'u32', rows: 'u32', columns: 'u32' },
    workgroup,
    declarations: workgroupSums(workgroup),
    body: `  if (group >= params.rows) { return; }
  let start = group * params.columns;
  let row = params.firstRow + group;
  var top = bitcast<f32>(0xff800000u | params.zero);
  for (var i = local; i < params.columns; i += ${workgroup}u) { top = maximum(top, logits[start + i]); }
  let highest = maxOfAll(top, local);
${blockedSums({ total: 'exp_(logits[start + i] - highest)' }, ownColumns)}
  let sum = sumOfAll(total, local);
  if (local == 0u) {
    let whole = highest + log_(sum);
    let target_id = targets[row];
    logSumExp[row] = whole;
    var chosen = 0.0;
    if (target_id >= 0 && target_id < i32(params.columns)) { chosen = logits[start + u32(target_id)]; }
    losses[row] = select(whole - chosen, 0.0, target_id < 0);
  }`,
  }))
  const { logits, targets, losses, logSumExp } = buffers
  backend.runGroups(program, [logits, targets, losses, logSumExp], [firstRow, rows, columns], rows)
}

export const crossEntropyGradWebGpu: WebGpuKernel<'crossEntropyGrad'> = (backend, inputs, [out]) => {
  const [rows, columns] = out.shape
  const [dlosses, logits, targets, logSumExp] = inputs.map(({ buffer }) => buffer)
  const program = backend.program('crossEntropyGrad', () => ({
    bindings: {
      dlosses: 'read f32',
      logits: 'read f32',
      targets: 'read i32',
      logSumExp: 'read f32',
      dlogits: 'write f32',
    },
    parameters: gradParameters,
    declarations: mathFunctions,
    body: gradBody('logits'),
  }))
  const buffers = [dlosses, logits, targets, logSumExp, out.buffer]
  backend.run(program, buffers, [rows * columns, columns, 0], rows * columns)
}

/** Turns logits into their gradients, in place. */
export function rowGradients(
  backend: WebGpuBackend,
  buffers: Readonly<Record<'logits' | 'targets' | 'dlosses' | 'logSumExp', GpuBuffer>>,
  { firstRow, rows, columns }: Rows,
): void {
  const program = backend.program('crossEntropyGrad in place', () => ({
    bindings: {
      dlosses: 'read f32',
      targets: 'read i32',
      logSumExp: 'read f32',
      dlogits: 'write f32',
    },
    parameters: gradParameters,
    declarations: mathFunctions,
    body: gradBody('dlogits'),
  }))
  const { dlosses, targets, logSumExp, logits } = buffers
  const count = rows * columns
  backend.run(program, [dlosses, targets, logSumExp, logits], [count, columns, firstRow], count)
}

const gradParameters = { count: 'u32', columns: 'u32', firstRow: 'u32' } as const
const gradBody = (logits: string): string => `  if (index >= params.count) { return; }
  let row = params.firstRow + index / params.columns;
  let target_id = targets[row];
  let share = exp_(${logits}[index] - logSumExp[row]);
  let gradient = share - select(0.0, 1.0, i32(index % params.columns) == target_id);
  dlogits[index] = select(gradient, 0.0, target_id < 0) * dlosses[row];`
