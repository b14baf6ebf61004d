/** y = x·Wᵀ for activations in single floats: packed numbers are widened in registers. */
import {
  defineFunction,
  f32x4,
  type FunctionDefinition,
  i32,
  v128,
} from '../../../backends/wasm/assembler/index.ts'
import type { PackedFormat } from '../../../packed/packed-form.ts'
import { decodeStep, groupScales, stepOf } from '../../unpack-rows/decode.wasm.ts'
import { eachTile, kernelParameters, sumOfLanes, type Tile } from './tile.wasm.ts'

/**
 * The kernel for a tile of rows of x and rows of W.
 *
 * @param fused Whether a product is added with one rounding where the machine can.
 */
export function floatKernel(
  format: PackedFormat,
  group: number,
  fused: boolean,
  tile: Tile,
): FunctionDefinition<typeof kernelParameters, void> {
  const multiplyAdd: typeof f32x4.relaxedMadd = fused
    ? f32x4.relaxedMadd
    : (x, y, sum) => f32x4.add(f32x4.mul(x, y), sum)
  const step = stepOf(format)
  return defineFunction(`packed ${format} ${tile.x}x${tile.w}`, kernelParameters, (b, p) => {
    eachTile(b, p, tile, (xs, ws, store) => {
      // Two sums for each result, of the vectors with even and with odd numbers.
      const sums = xs.map(() => ws.map(() => [b.local('v128'), b.local('v128')] as const))
      const codes = ws.map((row) => b.local('i32', i32.add(row, p.headerBytes)))
      const [first, at] = [b.local('i32', 0), b.local('i32', 0)]
      b.while(i32.ltU(first, p.width), () => {
        const places = xs.map((x) => b.let(i32.add(x, at)))
        // Numbers that several rows of W take are loaded once, unless they are as many as for int4.
        const loaded =
          ws.length > 1 && step <= 16
            ? places.map((place) =>
                Array.from({ length: step / 4 }, (_, i) => b.let(v128.load(place, 16 * i))),
              )
            : undefined
        ws.forEach((row, w) => {
          const word = i32.shl(i32.shrU(first, Math.log2(group)), 2)
          const scales = format === 'int4' ? groupScales(b, v128.load32Splat(i32.add(row, word))) : undefined
          decodeStep(b, format, codes[w], scales, (numbers, i) => {
            places.forEach((place, r) => {
              const sum = sums[r][w][i & 1]
              b.set(sum, multiplyAdd(numbers, loaded?.[r][i] ?? v128.load(place, 16 * i), sum))
            })
          })
          b.advance(codes[w], 16)
        })
        b.advance(first, step)
        b.advance(at, 4 * step)
      })
      const isInteger = format === 'int8' || format === 'int7'
      ws.forEach((row, w) => {
        const scale = isInteger ? b.let(v128.load32Splat(row)) : undefined
        xs.forEach((_, r) => {
          const sum = sumOfLanes(b, f32x4.add(...sums[r][w]))
          store(r, w, scale ? f32x4.mul(sum, scale) : sum)
        })
      })
    })
  })
}
