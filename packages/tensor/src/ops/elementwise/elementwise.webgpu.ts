/**
 * Elementwise on WebGPU: the expression is rendered once for each combination of layouts, one invocation for
 * an element.
 */
import { renderWgsl } from '../../backends/webgpu/wgsl/render-wgsl.ts'
import { boxParameters, joinAxes, places } from '../../backends/webgpu/wgsl/strided.ts'
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { mathFunctions } from '../../backends/webgpu/wgsl/wgsl-math.ts'
import { broadcastStrides, sizeOf } from '../../shape.ts'

export const elementwiseWebGpu: WebGpuKernel<'elementwise'> = (backend, inputs, [out], attrs) => {
  const { expression, scalars, dtype } = attrs
  const count = sizeOf(out.shape)
  if (count === 0) return
  const layouts = inputs.map((x) => broadcastStrides(x.shape, out.shape))
  const { sizes, strides } = joinAxes(out.shape, layouts)
  const rank = sizes.length
  const types = inputs.map((x) => x.dtype).join(' ')
  const program = backend.program(
    `elementwise ${expression.id} ${types} → ${dtype} ${rank} ${scalars.length}`,
    () => {
      const names = inputs.map((_, k) => `x${k}`)
      const { statements, value } = renderWgsl(expression, {
        input: (k) => (inputs[k].dtype === 'f32' ? `x${k}[x${k}Place]` : `f32(x${k}[x${k}Place])`),
        scalar: (k) => `params.scalar${k}`,
      })
      return {
        bindings: {
          ...Object.fromEntries(inputs.map((x, k) => [`x${k}`, `read ${x.dtype}` as const])),
          to: `write ${dtype}`,
        },
        parameters: {
          count: 'u32',
          ...boxParameters(rank, names),
          ...Object.fromEntries(scalars.map((_, k) => [`scalar${k}`, 'f32' as const])),
        },
        declarations: mathFunctions,
        body: `  if (index >= params.count) { return; }
${places(rank, names)}
${statements}
  to[index] = ${dtype === 'f32' ? value : `i32(${value})`};`,
      }
    },
  )
  const parameters = [count, ...sizes, ...strides.flatMap((own) => [0, ...own]), ...scalars]
  backend.run(program, [...inputs.map((x) => x.buffer), out.buffer], parameters, count)
}
