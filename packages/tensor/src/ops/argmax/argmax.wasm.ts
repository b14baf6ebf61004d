import { f32, i32 } from '../../backends/wasm/assembler/index.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'

export const argmaxWasm: WasmKernel<'argmax'> = (backend, [x], [out]) => {
  const { argmax } = backend.functions('argmax', (module) => {
    module.export('argmax', { to: 'i32', from: 'i32', rows: 'i32', columns: 'i32' }, (b, p) => {
      b.repeat(p.rows, () => {
        const best = b.local('i32', 0)
        const largest = b.local('f32', f32.load(p.from))
        b.forRange(0, p.columns, 1, (i) => {
          const value = b.let(f32.load(p.from))
          // A value that is greater than the largest, or NaN. Once the largest is NaN no value is larger.
          const isLarger = i32.and(i32.eqz(f32.le(value, largest)), f32.eq(largest, largest))
          b.if(isLarger, () => {
            b.set(largest, value)
            b.set(best, i)
          })
          b.advance(p.from, 4)
        })
        b.store(p.to, best)
        b.advance(p.to, 4)
      })
    })
  })
  argmax(out.buffer, x.buffer, sizeOf(out.shape), x.shape.at(-1) as number)
}
