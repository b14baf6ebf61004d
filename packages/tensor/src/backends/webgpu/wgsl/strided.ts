/**
 * Iteration over boxes of numbers: the coordinates of an element, and its place in buffers of other layouts.
 */
import type { DType } from '../../../dtype.ts'
import type { GpuBuffer } from '../queue/buffer-pool.ts'
import type { WebGpuBackend } from '../webgpu-backend.ts'
import type { ParameterType } from './wgsl.ts'

/** A box in a buffer: its beginning, and steps along each axis, in elements. */
export interface Box {
  readonly buffer: GpuBuffer
  readonly at: number
  readonly strides: readonly number[]
}

/**
 * Joins adjacent axes where every layout continues from one to the next, and leaves out axes of size 1: most
 * boxes have one or two axes then, and kernels are few.
 */
export function joinAxes(
  shape: readonly number[],
  layouts: readonly (readonly number[])[],
): { sizes: number[]; strides: number[][] } {
  const sizes: number[] = []
  const strides: number[][] = layouts.map(() => [])
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue
    const continues = sizes.length > 0 && layouts.every((own, k) => strides[k].at(-1) === own[axis] * size)
    if (continues) sizes[sizes.length - 1] *= size
    else sizes.push(size)
    layouts.forEach((own, k) => {
      if (continues) strides[k][strides[k].length - 1] = own[axis]
      else strides[k].push(own[axis])
    })
  }
  return { sizes, strides }
}

/** Returns parameters: `rank` sizes and, for each of `layouts`, its beginning and as many strides. */
export function boxParameters(
  rank: number,
  layouts: readonly string[],
  prefix = '',
): Record<string, ParameterType> {
  const axes = Array.from({ length: rank }, (_, d) => d)
  const names = [
    ...axes.map((d) => `${prefix}size${d}`),
    ...layouts.flatMap((name) => [`${name}At`, ...axes.map((d) => `${name}Stride${d}`)]),
  ]
  return Object.fromEntries(names.map((name) => [name, 'u32']))
}

/** Writes statements that find element `index` of the box in every layout, as `<name>Place`. */
export function places(rank: number, layouts: readonly string[], index = 'index', prefix = ''): string {
  const lines = rank > 0 ? [`  var ${prefix}rest = ${index};`] : []
  for (let d = rank - 1; d >= 0; d--) {
    const axis = `${prefix}axis${d}`
    const rest = `${prefix}rest`
    const size = `params.${prefix}size${d}`
    lines.push(
      d > 0 ? `  let ${axis} = ${rest} % ${size}; ${rest} = ${rest} / ${size};` : `  let ${axis} = ${rest};`,
    )
  }
  for (const name of layouts) {
    const terms = Array.from({ length: rank }, (_, d) => ` + ${prefix}axis${d} * params.${name}Stride${d}`)
    lines.push(`  let ${name}Place = params.${name}At${terms.join('')};`)
  }
  return lines.join('\n')
}

/** Copies a box of `shape` between any layouts; or adds it to the numbers there. */
export function copyBox(
  backend: WebGpuBackend,
  shape: readonly number[],
  to: Box,
  from: Box,
  dtype: DType,
  mode: 'set' | 'add' = 'set',
): void {
  const count = shape.reduce((a, b) => a * b, 1)
  if (count === 0) return
  const { sizes, strides } = joinAxes(shape, [to.strides, from.strides])
  const rank = sizes.length
  const program = backend.program(`copy ${mode} ${dtype} ${rank}`, () => ({
    bindings: { source: `read ${dtype}`, to: `write ${dtype}` },
    parameters: { count: 'u32', ...boxParameters(rank, ['to', 'source']) },
    body: `  if (index >= params.count) { return; }
${places(rank, ['to', 'source'])}
  to[toPlace] ${mode === 'set' ? '=' : '+='} source[sourcePlace];`,
  }))
  const parameters = [count, ...sizes, to.at, ...strides[0], from.at, ...strides[1]]
  backend.run(program, [from.buffer, to.buffer], parameters, count)
}
