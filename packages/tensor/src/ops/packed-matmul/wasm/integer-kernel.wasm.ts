/**
 * y = x·Wᵀ for activations of bytes. Products of bytes are added up by fours in integers, so it makes no
 * difference which instructions do it: where the engine has a relaxed dot product of bytes, the bits are
 * those of the exact one of 16-bit numbers.
 *
 * The relaxed one is the same on every machine as long as its second operand is in [0, 127]. Codes of int4
 * are; of bytes magnitudes are, whose signs the weights take over.
 */
import {
  defineFunction,
  f32x4,
  type FunctionBuilder,
  type FunctionDefinition,
  i16x8,
  i32,
  i32x4,
  i8x16,
  type Value,
  v128,
} from '../../../backends/wasm/assembler/index.ts'
import { blockSize } from '../../../packed/packed-form.ts'
import { lowNibbles } from '../../unpack-rows/decode.wasm.ts'
import { eachTile, kernelParameters, sumOfLanes, type Tile } from './tile.wasm.ts'

type Vector = Value<'v128'>
type Kernel = FunctionDefinition<typeof kernelParameters, void>

/** Sums of products of 16 bytes and 16 bytes by fours, added to other sums. */
type Dot = (b: FunctionBuilder, x: Vector, w: Vector, sums: Vector | undefined) => Vector

const even = (bytes: Vector): Vector => i16x8.shrS(i16x8.shl(bytes, 8), 8)
const odd = (bytes: Vector): Vector => i16x8.shrS(bytes, 8)

const exactDot: Dot = (b, x, w, sums) => {
  const both = i32x4.add(i32x4.dotI16x8S(even(w), even(x)), i32x4.dotI16x8S(odd(w), odd(x)))
  return b.let(sums ? i32x4.add(sums, both) : both)
}

/** For second operands in [0, 127] alone. */
const relaxedDot: Dot = (b, x, w, sums) => b.let(i32x4.relaxedDotI8x16I7x16AddS(x, w, sums ?? i32x4.splat(0)))

/** Weights in bytes. */
export function byteKernel(relaxed: boolean, tile: Tile): Kernel {
  return defineFunction(`packed bytes ${tile.x}x${tile.w}`, kernelParameters, (b, p) => {
    eachTile(b, p, tile, (xs, ws, store) => {
      const sums = xs.map(() => ws.map(() => b.local('v128')))
      const codes = ws.map((row) => b.local('i32', i32.add(row, p.headerBytes)))
      const [at, scaleAt] = [b.local('i32', 0), b.local('i32', 0)]
      const block = (halves: number): void => {
        const scales = xs.map((_, r) =>
          b.let(v128.load32Splat(i32.add(i32.add(p.scales, i32.mul(p.blockRow, r)), scaleAt))),
        )
        const wordsOf = (w: number): Vector[] =>
          Array.from({ length: halves }, (_, i) => b.let(v128.load(codes[w], 16 * i)))
        const only = ws.length === 1 ? wordsOf(0) : undefined
        xs.forEach((x, r) => {
          const place = b.let(i32.add(x, at))
          const own = Array.from({ length: halves }, (_, i) =>
            activationsOf(b, v128.load(place, 16 * i), relaxed),
          )
          ws.forEach((_, w) => {
            const products = (only ?? wordsOf(w)).reduce<Vector | undefined>(
              (sum, word, i) => own[i](word, sum),
              undefined,
            ) as Vector
            b.set(sums[r][w], f32x4.add(sums[r][w], f32x4.mul(f32x4.convertI32x4S(products), scales[r])))
          })
        })
        for (const code of codes) b.advance(code, 16 * halves)
        b.advance(at, 16 * halves)
        b.advance(scaleAt, 4)
      }
      b.repeat(i32.shrU(p.width, 5), () => block(2))
      b.if(i32.and(p.width, 16), () => block(1))
      ws.forEach((row, w) => {
        const scale = b.let(v128.load32Splat(row))
        xs.forEach((_, r) => store(r, w, f32x4.mul(sumOfLanes(b, sums[r][w]), scale)))
      })
    })
  })
}

/** Loads 16 codes of activations, and returns how weights are multiplied by them. */
function activationsOf(
  b: FunctionBuilder,
  place: Vector,
  relaxed: boolean,
): (weights: Vector, sums: Vector | undefined) => Vector {
  const own = b.let(place)
  if (!relaxed) return (weights, sums) => exactDot(b, own, weights, sums)
  const magnitudes = b.let(i8x16.abs(own))
  const negative = b.let(i8x16.ltS(own, 0))
  return (weights, sums) => {
    const signed = i8x16.sub(v128.xor(weights, negative), negative)
    return relaxedDot(b, signed, magnitudes, sums)
  }
}

/** Weights of four bits. */
export function nibbleKernel(group: number, relaxed: boolean, tile: Tile): Kernel {
  const dot = relaxed ? relaxedDot : exactDot
  return defineFunction(`packed nibbles ${tile.x}x${tile.w}`, kernelParameters, (b, p) => {
    eachTile(b, p, tile, (xs, ws, store) => {
      const sums = xs.map(() => ws.map(() => b.local('v128')))
      const ofMinima = xs.map(() => ws.map(() => b.local('v128')))
      const codes = ws.map((row) => b.local('i32', i32.add(row, p.headerBytes)))
      const [at, block] = [b.local('i32', 0), b.local('i32', 0)]
      /** Four blocks, or one, whose scales are in lane 0. */
      const blocks = (count: 4 | 1): void => {
        const load = (place: Value<'i32'>): Vector =>
          count === 4 ? v128.load(place) : v128.load32Zero(place)
        const ofBlock = (first: Value<'i32'>, r: number): Value<'i32'> =>
          i32.add(i32.add(first, i32.mul(p.blockRow, r)), i32.shl(block, 2))
        ws.forEach((row, w) => {
          const pairs = b.let(groupWords(b, row, block, group, count))
          const scale = b.let(i32x4.shl(pairs, 16))
          const minimum = b.let(v128.and(pairs, i32x4.splat(0xffff0000)))
          const scales = xs.map((_, r) => {
            const sum = ofMinima[r][w]
            b.set(sum, f32x4.add(sum, f32x4.mul(minimum, load(ofBlock(p.sums, r)))))
            return b.let(f32x4.mul(scale, load(ofBlock(p.scales, r))))
          })
          for (let i = 0; i < count; i++) {
            const [low, high] = lowNibbles(b, b.let(v128.load(codes[w], 16 * i)))
            xs.forEach((x, r) => {
              const place = b.let(i32.add(x, at))
              const first = dot(b, b.let(v128.load(place, 32 * i)), low, undefined)
              const whole = dot(b, b.let(v128.load(place, 32 * i + 16)), high, first)
              const own = i32x4.shuffle(scales[r], scales[r], [i, i, i, i])
              b.set(sums[r][w], f32x4.add(sums[r][w], f32x4.mul(f32x4.convertI32x4S(whole), own)))
            })
          }
          b.advance(codes[w], 16 * count)
        })
        b.advance(at, blockSize * count)
        b.advance(block, count)
      }
      b.repeat(i32.shrU(p.width, 7), () => blocks(4))
      b.repeat(i32.and(i32.shrU(p.width, 5), 3), () => blocks(1))
      ws.forEach((_, w) => {
        xs.forEach((_x, r) => {
          const products = sumOfLanes(b, sums[r][w])
          store(r, w, f32x4.add(products, sumOfLanes(b, ofMinima[r][w])))
        })
      })
    })
  })
}

/** The words of the groups of four blocks; of one in lane 0, with zeros beside it. */
function groupWords(
  b: FunctionBuilder,
  row: Value<'i32'>,
  block: Value<'i32'>,
  group: number,
  count: 4 | 1,
): Vector {
  const place = i32.add(row, i32.shl(i32.shrU(block, Math.log2(group / blockSize)), 2))
  if (count === 1) return v128.load32Zero(place)
  if (group === 32) return v128.load(place)
  if (group === 128) return v128.load32Splat(place)
  const two = b.let(v128.load64Zero(place))
  return i32x4.shuffle(two, two, [0, 0, 1, 1])
}
