/** Global norm on WASM: single-precision sums over stretches of 4 kB, double precision between them. */
import { f32x4, f64, i32, select } from '../../backends/wasm/assembler/index.ts'
import { sumOfRow } from '../../backends/wasm/row-loop.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'

const stretch = 4096

export const globalNormWasm: WasmKernel<'globalNorm'> = (backend, inputs, [out]) => {
  const { sumOfSquares } = backend.functions('global norm', (module) => {
    module.export('sumOfSquares', { x: 'i32', bytes: 'i32' }, (b, { x, bytes }) => {
      const total = b.local('f64', 0)
      b.while(bytes, () => {
        const now = b.let(select(i32.ltU(bytes, stretch), bytes, i32.const(stretch)))
        const squares = sumOfRow(b, now, (at, { load }) => {
          const value = b.let(load(i32.add(x, at)))
          return f32x4.mul(value, value)
        })
        b.set(total, f64.add(total, f64.promoteF32(f32x4.extractLane(squares, 0))))
        b.advance(x, now)
        b.set(bytes, i32.sub(bytes, now))
      })
      return total
    })
  })
  const squares = inputs.reduce((sum, x) => sum + (sumOfSquares(x.buffer, 4 * sizeOf(x.shape)) ?? 0), 0)
  backend.view('f32', out.buffer, 1)[0] = Math.sqrt(squares)
}
