/** Global norm on WASM: single-precision sums over stretches of 4 kB, double precision between them. */
import { f32x4, f64, i32, select } from '../../backends/wasm/assembler/index.ts'
import { sumOfRow } from '../../backends/wasm/row-loop.ts'
import type { Pointer, WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'

const stretch = 4096
/** Bytes that one thread sums at a time. */
const piece = 2 ** 18

function piecesOf(at: Pointer, bytes: number): [at: Pointer, bytes: number][] {
  const count = Math.ceil(bytes / piece)
  return Array.from({ length: count }, (_, i) => [at + i * piece, Math.min(piece, bytes - i * piece)])
}

export const globalNormWasm: WasmKernel<'globalNorm'> = (backend, inputs, [out]) => {
  const { sumOfSquares } = backend.functions('global norm', (module) => {
    module.export('sumOfSquares', { x: 'i32', bytes: 'i32', to: 'i32' }, (b, { x, bytes, to }) => {
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
      b.store(to, total)
    })
  })
  // Pieces depend on the sizes alone, so the sum has the same bits for any number of threads.
  const pieces = inputs.flatMap((x) => piecesOf(x.buffer, 4 * sizeOf(x.shape)))
  backend.scratch(8 * pieces.length, 'globalNorm', (sums) => {
    backend.runAll(
      sumOfSquares,
      pieces.map(([at, bytes], i) => [at, bytes, sums + 8 * i]),
    )
    const total = backend.doubles(sums, pieces.length).reduce((sum, x) => sum + x, 0)
    backend.view('f32', out.buffer, 1)[0] = Math.sqrt(total)
  })
}
