/** Cases for running sums, sorting and reordering along an axis. */
import type { DType } from '../../dtype.ts'
import type { RandomStream } from '../../random/random-stream.ts'
import { type Shape, sizeOf } from '../../shape.ts'
import type { PlainInput } from '../check-op.ts'
import { size, yesOrNo } from './attr-checks.ts'
import {
  anything,
  chance,
  drawOrder,
  drawShape,
  drawSize,
  f32Input,
  gaussian,
  i32Input,
  pick,
  spread,
  withSpecials,
} from './draw.ts'
import type { OpCase, OpCases } from './op-case.ts'

export const cumsumCases: OpCases<'cumsum'> = {
  attrs: { axis: size, reverse: yesOrNo },
  tolerance: 1,
  edges: (random) =>
    [false, true].flatMap((reverse): OpCase<'cumsum'>[] => [
      { inputs: [gaussian(random, [1])], attrs: { axis: 0, reverse } },
      { inputs: [gaussian(random, [0])], attrs: { axis: 0, reverse } },
      { inputs: [gaussian(random, [3, 0, 2])], attrs: { axis: 0, reverse } },
      { inputs: [gaussian(random, [3, 0, 2])], attrs: { axis: 1, reverse } },
      ...[2, 3, 4, 5, 7, 8, 63, 64, 65, 128, 129].map((n) => ({
        inputs: [gaussian(random, [2, n])],
        attrs: { axis: 1, reverse },
      })),
      { inputs: [gaussian(random, [33, 5])], attrs: { axis: 0, reverse } },
      { inputs: [gaussian(random, [3, 65, 7])], attrs: { axis: 1, reverse } },
      { inputs: [gaussian(random, [3, 130, 1])], attrs: { axis: 1, reverse } },
      { inputs: [withSpecials(random, [5, 40])], attrs: { axis: 1, reverse } },
      { inputs: [withSpecials(random, [40, 5])], attrs: { axis: 0, reverse } },
      { inputs: [i32Input([3, 70], () => random.below(2) + 2 ** 31 - 3)], attrs: { axis: 1, reverse } },
      { inputs: [i32Input([70, 3], () => random.below(2) + 2 ** 31 - 3)], attrs: { axis: 0, reverse } },
      // so long that a running sum in single precision would drift
      { inputs: [f32Input([300_001], () => 0.1)], attrs: { axis: 0, reverse } },
      { inputs: [f32Input([30_001, 5], () => 0.1)], attrs: { axis: 0, reverse } },
    ]),
  draw(random) {
    const shape = drawShape(random, 1 + random.below(4), 3000)
    const axis = random.below(shape.length)
    return {
      inputs: [pick(random, [spread, spread, withSpecials])(random, shape)],
      attrs: { axis, reverse: chance(random, 0.5) },
    }
  },
}

/** Draws numbers of which many are equal. */
function drawRepeats(random: RandomStream, shape: Shape, dtype: DType): PlainInput {
  const whole = (): number => random.below(9) - 4
  return dtype === 'f32' ? f32Input(shape, () => whole() / 2) : i32Input(shape, whole)
}

export const sortCases: OpCases<'sort'> = {
  attrs: { descending: yesOrNo },
  tolerance: 0,
  edges: (random) =>
    [false, true].flatMap((descending): OpCase<'sort'>[] => [
      { inputs: [gaussian(random, [1])], attrs: { descending } },
      { inputs: [gaussian(random, [0])], attrs: { descending } },
      { inputs: [gaussian(random, [0, 3])], attrs: { descending } },
      { inputs: [gaussian(random, [3, 0])], attrs: { descending } },
      // on both sides of the sizes at which kernels change their method
      ...[2, 3, 31, 32, 33, 64, 65, 255, 256, 257, 1000, 2049].map((n) => ({
        inputs: [gaussian(random, [2, n])],
        attrs: { descending },
      })),
      ...[7, 40, 600].flatMap((n) => [
        { inputs: [withSpecials(random, [5, n])], attrs: { descending } },
        { inputs: [anything(random, [3, n], 'i32')], attrs: { descending } },
        { inputs: [drawRepeats(random, [3, n], 'f32')], attrs: { descending } },
        { inputs: [drawRepeats(random, [3, n], 'i32')], attrs: { descending } },
      ]),
      { inputs: [f32Input([3, 70], () => pick(random, [0, -0]))], attrs: { descending } },
      { inputs: [f32Input([3, 70], () => Number.NaN)], attrs: { descending } },
      { inputs: [f32Input([2, 40], () => (random.normal() * 2 ** -20) / 2 ** 120)], attrs: { descending } },
      { inputs: [f32Input([2, 70], (i) => i)], attrs: { descending } },
      { inputs: [f32Input([2, 70], (i) => -i)], attrs: { descending } },
      { inputs: [gaussian(random, [20_000])], attrs: { descending } },
    ]),
  draw(random) {
    const shape = [...drawShape(random, random.below(4), 60), drawSize(random, 65, true)]
    const numbers = pick(random, [drawRepeats, anything])
    return {
      inputs: [numbers(random, shape, pick(random, ['f32', 'i32']))],
      attrs: { descending: chance(random, 0.5) },
    }
  },
}

/** Draws rows that hold the numbers 0 … N − 1 in some order. */
function orders(random: RandomStream, shape: Shape): PlainInput {
  const n = shape.at(-1) as number
  const rows = n === 0 ? 0 : sizeOf(shape) / n
  const data = Array.from({ length: rows }, () => drawOrder(random, n)).flat()
  return i32Input(shape, (i) => data[i])
}

export const reorderCases: OpCases<'reorder'> = {
  attrs: { inverse: yesOrNo },
  tolerance: 0,
  edges: (random) =>
    [false, true].flatMap((inverse) =>
      [[1], [0], [3, 0], [0, 3], [5], [65], [7, 33], [2, 3, 5]].map((shape) => ({
        inputs: [anything(random, shape), orders(random, shape)],
        attrs: { inverse },
      })),
    ),
  draw(random) {
    const shape = [...drawShape(random, random.below(3), 60), drawSize(random)]
    return {
      inputs: [anything(random, shape), orders(random, shape)],
      attrs: { inverse: chance(random, 0.5) },
    }
  },
}
