/**
 * Elementwise on WASM: the expression is rendered once for each combination of layouts, then runs over rows.
 * An input either walks along a row or stays the same for all of it; an input that repeats from row to row
 * has a row stride of 0.
 */
import { f32x4, i32, i32x4, type Value, v128 } from '../../backends/wasm/assembler/index.ts'
import { renderExpression } from '../../backends/wasm/expression/render-expression.ts'
import { minNumbers, forRow } from '../../backends/wasm/loops/row-loop.ts'
import type { Pointer, WasmBackend, WasmKernel, WasmOperand } from '../../backends/wasm/wasm-backend.ts'
import type { WasmFunction } from '../../backends/wasm/webassembly.ts'
import { broadcastStrides, sameShape, type Shape, sizeOf } from '../../shape.ts'
import type { ElementwiseAttrs } from './elementwise.ts'

export const elementwiseWasm: WasmKernel<'elementwise'> = (backend, inputs, [out], attrs) => {
  if (sizeOf(out.shape) === 0) return
  const { sizes, strides } = joinedAxes(out.shape, inputs)
  const [columns, rows] = [sizes.at(-1) ?? 1, sizes.at(-2) ?? 1]
  const walks = strides.map((own) => own.at(-1) === 1)
  const kernel = kernelOf(backend, inputs, walks, attrs)
  const scalars = backend.scalars(attrs.scalars)
  const rowBytes = strides.map((own) => 4 * (own.at(-2) ?? 0))
  const outer = sizes.slice(0, -2)
  const run = (depth: number, to: Pointer, from: readonly Pointer[]): void => {
    if (depth === outer.length) {
      // Each thread gets whole rows, or parts of the only row.
      const [count, many] = rows > 1 ? [rows, columns] : [columns, 1]
      const steps = rows > 1 ? rowBytes : walks.map((walking) => (walking ? 4 : 0))
      backend.runOver(kernel, count, minNumbers / many, (first, part) => {
        const [height, width] = rows > 1 ? [part, columns] : [1, part]
        const starts = from.map((at, k) => at + first * steps[k])
        return [to + 4 * first * many, height, 4 * width, scalars, ...starts, ...rowBytes]
      })
      return
    }
    const step = 4 * sizeOf(sizes.slice(depth + 1))
    for (let i = 0; i < outer[depth]; i++) {
      run(
        depth + 1,
        to + i * step,
        from.map((at, k) => at + 4 * i * strides[k][depth]),
      )
    }
  }
  run(
    0,
    out.buffer,
    inputs.map(({ buffer }) => buffer),
  )
}

/** Output axes of size above 1, neighbors joined where every input continues from one to the next. */
function joinedAxes(shape: Shape, inputs: readonly WasmOperand[]): { sizes: number[]; strides: number[][] } {
  const size = sizeOf(shape)
  // The usual case, and the one where an op takes little else: nothing is repeated but single numbers.
  if (size > 1 && inputs.every((x) => sameShape(x.shape, shape) || sizeOf(x.shape) === 1)) {
    return { sizes: [size], strides: inputs.map((x) => [sizeOf(x.shape) === 1 ? 0 : 1]) }
  }
  const full = inputs.map((x) => broadcastStrides(x.shape, shape))
  const sizes: number[] = []
  const strides: number[][] = inputs.map(() => [])
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue
    const continues = sizes.length > 0 && full.every((own, k) => strides[k].at(-1) === own[axis] * size)
    if (continues) sizes[sizes.length - 1] *= size
    else sizes.push(size)
    full.forEach((own, k) => {
      if (continues) strides[k][strides[k].length - 1] = own[axis]
      else strides[k].push(own[axis])
    })
  }
  return { sizes, strides }
}

function kernelOf(
  backend: WasmBackend,
  inputs: readonly WasmOperand[],
  walks: readonly boolean[],
  { expression, dtype }: ElementwiseAttrs,
): WasmFunction {
  const layout = inputs.map(({ dtype: type }, k) => `${type}${walks[k] ? '*' : ''}`)
  const key = `elementwise ${expression.id} ${layout.join(' ')} → ${dtype}`
  const { run } = backend.functions(key, (module) => {
    const pointers = inputs.map((_, k) => [`x${k}`, 'i32'] as const)
    const strides = inputs.map((_, k) => [`row${k}`, 'i32'] as const)
    const parameters = {
      to: 'i32',
      rows: 'i32',
      bytes: 'i32',
      scalars: 'i32',
      ...Object.fromEntries([...pointers, ...strides]),
    }
    module.export('run', parameters as Record<string, 'i32'>, (b, p) => {
      const scalar = (k: number): Value<'v128'> => v128.load32Splat(p.scalars, 4 * k)
      b.repeat(p.rows, () => {
        const constant = inputs.map((x, k) =>
          walks[k] ? undefined : b.let(numbers(v128.load32Splat(p[`x${k}`]), x)),
        )
        forRow(b, p.bytes, (at, { load, store }) => {
          const input = (k: number): Value<'v128'> =>
            constant[k] ?? numbers(load(i32.add(p[`x${k}`], at)), inputs[k])
          const result = renderExpression(b, expression, { input, scalar })
          store(i32.add(p.to, at), dtype === 'i32' ? i32x4.truncSatF32x4S(result) : result)
        })
        b.advance(p.to, p.bytes)
        inputs.forEach((_, k) => b.advance(p[`x${k}`], p[`row${k}`]))
      })
    })
  })
  return run
}

/** Converts loaded numbers to single precision, in which all arithmetic is done. */
function numbers(loaded: Value<'v128'>, { dtype }: WasmOperand): Value<'v128'> {
  return dtype === 'i32' ? f32x4.convertI32x4S(loaded) : loaded
}
