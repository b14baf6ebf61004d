/**
 * AdamW on WASM: both moments and the change in one pass, rendered from the expressions of the definition.
 */
import { i32, type Value, v128 } from '../../backends/wasm/assembler/index.ts'
import { renderExpression } from '../../backends/wasm/expression/render-expression.ts'
import { forRow } from '../../backends/wasm/loops/row-loop.ts'
import { runInPlace, writeInPlace } from '../../backends/wasm/loops/run-in-place.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'
import { firstMoment, scalarsOf, secondMoment, update } from './adamw.ts'

export const adamwWasm: WasmKernel<'adamw'> = (backend, inputs, [change], attrs) => {
  const { step } = backend.functions('adamw', (module) => {
    // biome-ignore format: one line
    const parameters = {
      w: 'i32', g: 'i32', m: 'i32', v: 'i32', to: 'i32', bytes: 'i32', scalars: 'i32', room: 'i32',
    } as const
    module.export('step', parameters, (b, p) => {
      const scalar = (k: number): Value<'v128'> => v128.load32Splat(p.scalars, 4 * k)
      writeInPlace(b, p.room, p.bytes, [p.m, p.v], ([toM, toV]) => {
        forRow(b, p.bytes, (at, { load, store }) => {
          const old = [p.w, p.g, p.m, p.v].map((x) => b.let(load(i32.add(x, at))))
          const before = { input: (k: number) => old[k], scalar }
          const m = b.let(renderExpression(b, firstMoment, before))
          const v = b.let(renderExpression(b, secondMoment, before))
          store(i32.add(toM, at), m)
          store(i32.add(toV, at), v)
          const after = [old[0], old[1], m, v]
          store(i32.add(p.to, at), renderExpression(b, update, { input: (k) => after[k], scalar }))
        })
      })
    })
  })
  const scalars = backend.scalars(scalarsOf(attrs))
  const pointers = [...inputs, change].map(({ buffer }) => buffer)
  runInPlace(backend, step, sizeOf(change.shape), 2, (first, many, room) => {
    return [...pointers.map((at) => at + 4 * first), 4 * many, scalars, room]
  })
}
