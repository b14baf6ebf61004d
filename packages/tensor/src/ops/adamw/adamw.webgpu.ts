/**
 * AdamW on WebGPU: both moments and the change in one pass, rendered from the expressions of the definition.
 */
import { renderWgsl } from '../../backends/webgpu/wgsl/render-wgsl.ts'
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { mathFunctions } from '../../backends/webgpu/wgsl/wgsl-math.ts'
import { sizeOf } from '../../shape.ts'
import { firstMoment, scalarsOf, secondMoment, update } from './adamw.ts'

export const adamwWebGpu: WebGpuKernel<'adamw'> = (backend, inputs, [change], attrs) => {
  const scalars = scalarsOf(attrs)
  const program = backend.program('adamw', () => {
    const scalar = (k: number): string => `params.scalar${k}`
    const before = { input: (k: number) => ['w', 'g', 'm', 'v'][k], scalar }
    const first = renderWgsl(firstMoment, before, 'm')
    const second = renderWgsl(secondMoment, before, 'v')
    const after = { input: (k: number) => ['w', 'g', 'newM', 'newV'][k], scalar }
    const step = renderWgsl(update, after, 'u')
    return {
      bindings: {
        parameter: 'read f32',
        gradient: 'read f32',
        firstMoment: 'write f32',
        secondMoment: 'write f32',
        change: 'write f32',
      },
      parameters: {
        count: 'u32',
        ...Object.fromEntries(scalars.map((_, k) => [`scalar${k}`, 'f32' as const])),
      },
      declarations: mathFunctions,
      body: `  if (index >= params.count) { return; }
  let w = parameter[index];
  let g = gradient[index];
  let m = firstMoment[index];
  let v = secondMoment[index];
${first.statements}
${second.statements}
  let newM = ${first.value};
  let newV = ${second.value};
${step.statements}
  firstMoment[index] = newM;
  secondMoment[index] = newV;
  change[index] = ${step.value};`,
    }
  })
  const count = sizeOf(change.shape)
  backend.run(
    program,
    [...inputs, change].map(({ buffer }) => buffer),
    [count, ...scalars],
    count,
  )
}
