/**
 * Global norm on WASM, in double precision throughout, where the square of no single-precision number
 * overflows or vanishes.
 */
import { f32, f64, f64x2, i32, type Value, v128 } from '../../backends/wasm/assembler/index.ts'
import type { Pointer, WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'
import { normScale } from './global-norm.ts'

/** Bytes that one thread sums at a time. */
const piece = 2 ** 18
/**
 * Byte offsets of the pairs of numbers that are added up beside each other, so that no sum waits for another.
 */
const pairs = [0, 8, 16, 24]

function piecesOf(at: Pointer, bytes: number): [at: Pointer, bytes: number][] {
  const count = Math.ceil(bytes / piece)
  return Array.from({ length: count }, (_, i) => [at + i * piece, Math.min(piece, bytes - i * piece)])
}

export const globalNormWasm: WasmKernel<'globalNorm'> = (backend, inputs, [norm, scaled]) => {
  const { sumOfSquares } = backend.functions('global norm', (module) => {
    module.export('sumOfSquares', { x: 'i32', bytes: 'i32', to: 'i32' }, (b, { x, bytes, to }) => {
      const end = b.let(i32.add(x, bytes))
      const whole = b.let(i32.add(x, i32.and(bytes, ~31)))
      const sums = pairs.map((offset) => ({ offset, sum: b.local('v128', f64x2.splat(0)) }))
      b.forRange(x, whole, 32, (at) => {
        for (const { offset, sum } of sums) {
          const two = b.let(f64x2.promoteLowF32x4(v128.load64Zero(at, offset)))
          b.set(sum, f64x2.add(sum, f64x2.mul(two, two)))
        }
      })
      const joined = b.let(sums.map(({ sum }): Value<'v128'> => sum).reduce((a, c) => f64x2.add(a, c)))
      const total = b.local('f64', f64.add(f64x2.extractLane(joined, 0), f64x2.extractLane(joined, 1)))
      b.forRange(whole, end, 4, (at) => {
        const one = b.let(f64.promoteF32(f32.load(at)))
        b.set(total, f64.add(total, f64.mul(one, one)))
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
    const root = Math.sqrt(backend.doubles(sums, pieces.length).reduce((sum, x) => sum + x, 0))
    backend.view('f32', norm.buffer, 1)[0] = root
    backend.view('f32', scaled.buffer, 1)[0] = root * normScale
  })
}
