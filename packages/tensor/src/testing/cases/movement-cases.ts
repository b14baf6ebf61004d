/** Cases for the ops that make numbers from nothing or move them. Their results must be exact. */
import * as checks from '../../checks/checks.ts'
import type { DType } from '../../dtype.ts'
import type { RandomStream } from '../../random/random-stream.ts'
import { type Shape, sizeOf } from '../../shape.ts'
import { dtype, size, sizes } from './attr-checks.ts'
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
  rowIds,
  spread,
} from './draw.ts'
import type { OpCase, OpCases } from './op-case.ts'

const rank = (random: RandomStream): number => random.below(5)

export const reshapeCases: OpCases<'reshape'> = {
  attrs: { shape: sizes, stopsGradient: checks.boolean },
  tolerance: 0,
  edges: (random) => [
    { inputs: [anything(random, [])], attrs: { shape: [1, 1, 1] } },
    { inputs: [anything(random, [1])], attrs: { shape: [] } },
    { inputs: [anything(random, [3, 0])], attrs: { shape: [0, 7], stopsGradient: true } },
  ],
  draw(random) {
    const x = anything(random, drawShape(random, rank(random)))
    const n = sizeOf(x.shape)
    const divisor = pick(
      random,
      [1, 2, 3, 4, 5, 7, 8, n].filter((d) => d > 0 && n % d === 0),
    )
    return {
      inputs: [x],
      attrs: { shape: pick(random, [[n], [divisor, n / divisor], [n / divisor, 1, divisor]]) },
    }
  },
}

export const permuteCases: OpCases<'permute'> = {
  attrs: { order: sizes },
  tolerance: 0,
  edges: (random) => [
    { inputs: [anything(random, [])], attrs: { order: [] } },
    { inputs: [anything(random, [5])], attrs: { order: [0] } },
    { inputs: [anything(random, [3, 0, 2])], attrs: { order: [2, 0, 1] } },
    { inputs: [anything(random, [65, 33])], attrs: { order: [1, 0] } },
    { inputs: [anything(random, [2, 17, 3, 9])], attrs: { order: [0, 2, 1, 3] } },
    { inputs: [anything(random, [1, 7, 1, 5])], attrs: { order: [3, 2, 1, 0] } },
    { inputs: [anything(random, [2, 3, 2, 3, 2])], attrs: { order: [4, 0, 3, 1, 2] } },
  ],
  draw(random) {
    const shape = drawShape(random, rank(random))
    return { inputs: [anything(random, shape)], attrs: { order: drawOrder(random, shape.length) } }
  },
}

/** Draws a shape that broadcasts to `shape`: some axes of size 1, some leading ones missing. */
export function stretchable(random: RandomStream, shape: Shape): number[] {
  return shape
    .slice(chance(random, 0.6) ? 0 : random.below(shape.length + 1))
    .map((n) => (chance(random, 0.35) ? 1 : n))
}

export const broadcastCases: OpCases<'broadcast'> = {
  attrs: { shape: sizes },
  tolerance: 0,
  edges: (random) => [
    { inputs: [anything(random, [])], attrs: { shape: [] } },
    { inputs: [anything(random, [])], attrs: { shape: [3, 5] } },
    { inputs: [anything(random, [1])], attrs: { shape: [0] } },
    { inputs: [anything(random, [])], attrs: { shape: [2, 0, 3] } },
    { inputs: [anything(random, [7, 1])], attrs: { shape: [7, 33] } },
    { inputs: [anything(random, [33])], attrs: { shape: [7, 33] } },
    { inputs: [anything(random, [2, 1, 3, 1])], attrs: { shape: [2, 5, 3, 4] } },
  ],
  draw(random) {
    const shape = drawShape(random, rank(random))
    return { inputs: [anything(random, stretchable(random, shape))], attrs: { shape } }
  },
}

export const sliceCases: OpCases<'slice'> = {
  attrs: { start: sizes, stop: sizes },
  tolerance: 0,
  edges: (random) => [
    { inputs: [anything(random, [])], attrs: { start: [], stop: [] } },
    { inputs: [anything(random, [5])], attrs: { start: [5], stop: [5] } },
    { inputs: [anything(random, [0, 3])], attrs: { start: [0, 1], stop: [0, 3] } },
    { inputs: [anything(random, [9, 17])], attrs: { start: [0, 0], stop: [9, 17] } },
    { inputs: [anything(random, [9, 17])], attrs: { start: [8, 0], stop: [9, 17] } },
    { inputs: [anything(random, [9, 17])], attrs: { start: [0, 16], stop: [9, 17] } },
  ],
  draw(random) {
    const shape = drawShape(random, rank(random))
    const start = shape.map((n) => random.below(n + 1))
    return {
      inputs: [anything(random, shape)],
      attrs: { start, stop: shape.map((n, i) => start[i] + random.below(n - start[i] + 1)) },
    }
  },
}

export const padCases: OpCases<'pad'> = {
  attrs: { before: sizes, after: sizes },
  tolerance: 0,
  edges: (random) => [
    { inputs: [anything(random, [])], attrs: { before: [], after: [] } },
    { inputs: [anything(random, [0])], attrs: { before: [2], after: [3] } },
    { inputs: [anything(random, [4, 5])], attrs: { before: [0, 0], after: [0, 0] } },
    { inputs: [anything(random, [4, 5])], attrs: { before: [1, 0], after: [0, 7] } },
    { inputs: [anything(random, [2, 0, 3])], attrs: { before: [0, 0, 1], after: [1, 0, 0] } },
  ],
  draw(random) {
    const shape = drawShape(random, rank(random), 600)
    const some = (): number[] => shape.map(() => (chance(random, 0.5) ? 0 : random.below(4)))
    return { inputs: [anything(random, shape)], attrs: { before: some(), after: some() } }
  },
}

export const concatenateCases: OpCases<'concatenate'> = {
  attrs: { axis: size },
  tolerance: 0,
  edges: (random) => [
    { inputs: [anything(random, [3])], attrs: { axis: 0 } },
    { inputs: [anything(random, [0], 'f32'), anything(random, [4], 'f32')], attrs: { axis: 0 } },
    { inputs: [anything(random, [0, 3], 'i32'), anything(random, [0, 5], 'i32')], attrs: { axis: 1 } },
    {
      inputs: [
        anything(random, [7, 2], 'f32'),
        anything(random, [7, 0], 'f32'),
        anything(random, [7, 5], 'f32'),
      ],
      attrs: { axis: 1 },
    },
  ],
  draw(random) {
    const shape = drawShape(random, 1 + random.below(4), 800)
    const axis = random.below(shape.length)
    const dtype = pick<DType>(random, ['f32', 'i32'])
    const inputs = Array.from({ length: 1 + random.below(4) }, () => {
      return anything(random, shape.with(axis, drawSize(random, 9, true)), dtype)
    })
    return { inputs, attrs: { axis } }
  },
}

export const gatherCases: OpCases<'gather'> = {
  attrs: {},
  tolerance: 0,
  edges: (random) => [
    { inputs: [anything(random, [1]), rowIds(random, [], 1)], attrs: {} },
    { inputs: [anything(random, [5, 3]), rowIds(random, [0], 5)], attrs: {} },
    { inputs: [anything(random, [0, 3]), rowIds(random, [2, 0], 1)], attrs: {} },
    { inputs: [anything(random, [5, 0]), rowIds(random, [4], 5)], attrs: {} },
    { inputs: [anything(random, [9, 4]), i32Input([6], () => 8)], attrs: {} },
    { inputs: [anything(random, [65, 2, 3]), rowIds(random, [3, 17], 65)], attrs: {} },
  ],
  draw(random) {
    const rows = drawSize(random)
    const table = anything(random, [rows, ...drawShape(random, random.below(3), 40)])
    return { inputs: [table, rowIds(random, drawShape(random, random.below(3), 65), rows)], attrs: {} }
  },
}

export const scatterAddCases: OpCases<'scatterAdd'> = {
  attrs: { rows: size },
  tolerance: 1,
  edges: (random) => [
    { inputs: [rowIds(random, [], 3), spread(random, [])], attrs: { rows: 3 } },
    { inputs: [rowIds(random, [0], 1), spread(random, [0, 5])], attrs: { rows: 4 } },
    { inputs: [rowIds(random, [0], 1), spread(random, [0])], attrs: { rows: 0 } },
    { inputs: [rowIds(random, [3], 2), spread(random, [3, 0])], attrs: { rows: 2 } },
    { inputs: [i32Input([65], () => 1), spread(random, [65, 3])], attrs: { rows: 2 } },
    { inputs: [rowIds(random, [9, 7], 2), spread(random, [9, 7, 5])], attrs: { rows: 33 } },
    // rows that are hit so often that a running sum would drift
    { inputs: [i32Input([20_000], () => 1), f32Input([20_000], () => 0.1)], attrs: { rows: 2 } },
    { inputs: [rowIds(random, [9000], 3), f32Input([9000, 21], () => 0.1)], attrs: { rows: 3 } },
  ],
  draw(random) {
    const rows = drawSize(random)
    const shape = drawShape(random, random.below(3), 65)
    const values = spread(random, [...shape, ...drawShape(random, random.below(3), 40)])
    return { inputs: [rowIds(random, shape, chance(random, 0.3) ? 1 : rows), values], attrs: { rows } }
  },
}

export const fillCases: OpCases<'fill'> = {
  attrs: { shape: sizes, value: checks.required(checks.anyNumber), dtype },
  tolerance: 0,
  edges: () => [
    ...[0, -0, 0.1, -1e30, Infinity, -Infinity, Number.NaN].map((value): OpCase<'fill'> => {
      return { inputs: [], attrs: { shape: [7], value, dtype: 'f32' } }
    }),
    ...[0, -1, 2 ** 31 - 1, -(2 ** 31)].map((value): OpCase<'fill'> => {
      return { inputs: [], attrs: { shape: [2, 3], value, dtype: 'i32' } }
    }),
    { inputs: [], attrs: { shape: [], value: 3, dtype: 'f32' } },
    { inputs: [], attrs: { shape: [4, 0], value: 3, dtype: 'i32' } },
  ],
  draw: (random) => ({
    inputs: [],
    attrs: { shape: drawShape(random, rank(random)), value: Math.fround(random.normal()), dtype: 'f32' },
  }),
}

export const iotaCases: OpCases<'iota'> = {
  attrs: { size, dtype },
  tolerance: 0,
  edges: () =>
    [0, 1, 2, 3, 4, 5, 4097].flatMap((size): OpCase<'iota'>[] => [
      { inputs: [], attrs: { size, dtype: 'i32' } },
      { inputs: [], attrs: { size, dtype: 'f32' } },
    ]),
  draw: (random) => ({ inputs: [], attrs: { size: drawSize(random), dtype: pick(random, ['f32', 'i32']) } }),
}

export const randomCases: OpCases<'random'> = {
  attrs: {
    key: checks.required(checks.key),
    shape: sizes,
    distribution: checks.required(checks.oneOf('bits', 'uniform')),
  },
  tolerance: 0,
  edges: () => [
    { inputs: [], attrs: { key: [0, 0], shape: [], distribution: 'bits' } },
    { inputs: [], attrs: { key: [0, 0], shape: [0], distribution: 'uniform' } },
    { inputs: [], attrs: { key: [0xffffffff, 0xffffffff], shape: [5], distribution: 'bits' } },
    { inputs: [], attrs: { key: [0x80000000, 1], shape: [3, 7], distribution: 'uniform' } },
    { inputs: [], attrs: { key: [1, 2], shape: [4099], distribution: 'bits' } },
  ],
  draw: (random) => ({
    inputs: [],
    attrs: {
      key: [random.uint32(), random.uint32()],
      shape: drawShape(random, rank(random)),
      distribution: pick(random, ['bits', 'uniform'] as const),
    },
  }),
}

export const assignCases: OpCases<'assign'> = {
  attrs: { start: sizes, mode: checks.required(checks.oneOf('set', 'add')) },
  tolerance: 1,
  edges: (random) => [
    { inputs: [gaussian(random, []), gaussian(random, [])], attrs: { start: [], mode: 'set' } },
    { inputs: [gaussian(random, []), gaussian(random, [])], attrs: { start: [], mode: 'add' } },
    { inputs: [gaussian(random, [4]), gaussian(random, [0])], attrs: { start: [4], mode: 'set' } },
    { inputs: [gaussian(random, [0, 3]), gaussian(random, [0, 3])], attrs: { start: [0, 0], mode: 'add' } },
    {
      inputs: [i32Input([5], (i) => i + 2 ** 30), i32Input([3], () => -7)],
      attrs: { start: [1], mode: 'add' },
    },
    {
      inputs: [anything(random, [2, 17, 3, 5], 'f32'), anything(random, [2, 4, 3, 5], 'f32')],
      attrs: { start: [0, 13, 0, 0], mode: 'set' },
    },
  ],
  draw(random) {
    const target = drawShape(random, rank(random))
    const mode = pick(random, ['set', 'add'] as const)
    const source = chance(random, 0.3) ? target : target.map((n) => random.below(n + 1))
    const start = target.map((n, i) => random.below(n - source[i] + 1))
    const dtype = pick<DType>(random, ['f32', 'f32', 'i32'])
    const numbers = (shape: Shape) => {
      if (dtype === 'i32') return i32Input(shape, () => random.below(2000) - 1000)
      return mode === 'set' ? anything(random, shape, 'f32') : spread(random, shape)
    }
    return { inputs: [numbers(target), numbers(source)], attrs: { start, mode } }
  },
}
