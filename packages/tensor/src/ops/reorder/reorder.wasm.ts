import { i32 } from '../../backends/wasm/assembler/index.ts'
import { minNumbers } from '../../backends/wasm/loops/row-loop.ts'
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'
import { checkIds } from '../gather/check-ids.ts'

export const reorderWasm: WasmKernel<'reorder'> = (backend, [x, indices], [out], { inverse }) => {
  const n = x.shape.at(-1) as number
  const count = sizeOf(x.shape)
  if (count === 0) return
  checkIds('reorder', backend.view('i32', indices.buffer, count), n)
  // A place that no index names becomes 0.
  if (inverse) backend.zero(out.buffer, 4 * count)
  const functions = backend.functions('reorder', (module) => {
    for (const name of ['from', 'to'] as const) {
      const parameters = { out: 'i32', x: 'i32', indices: 'i32', rows: 'i32', bytes: 'i32' } as const
      module.export(name, parameters, (b, p) => {
        b.repeat(p.rows, () => {
          b.forRange(0, p.bytes, 4, (at) => {
            const other = i32.shl(i32.load(i32.add(p.indices, at)), 2)
            const [to, from] = name === 'from' ? [at, other] : [other, at]
            b.store(i32.add(p.out, to), i32.load(i32.add(p.x, from)))
          })
          for (const pointer of [p.out, p.x, p.indices]) b.advance(pointer, p.bytes)
        })
      })
    }
  })
  const row = 4 * n
  backend.runOver(functions[inverse ? 'to' : 'from'], count / n, minNumbers / n, (first, many) => {
    return [...[out, x, indices].map(({ buffer }) => buffer + first * row), many, row]
  })
}
