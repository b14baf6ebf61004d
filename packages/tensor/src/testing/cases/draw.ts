/** Draws shapes and numbers for test cases. */
import type { DType } from '../../dtype.ts'
import type { RandomStream } from '../../random/random-stream.ts'
import { type Shape, sizeOf } from '../../shape.ts'
import type { PlainInput } from '../check-op.ts'

/** Sizes on both sides of the multiples of vector lanes, tiles and blocks. */
export const raggedSizes: readonly number[] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65]

export function pick<T>(random: RandomStream, list: readonly T[]): T {
  return list[random.below(list.length)]
}

export function chance(random: RandomStream, probability: number): boolean {
  return random.uniform() < probability
}

/** Draws a ragged size of at most `most`; 0 now and then if `mayBeEmpty`. */
export function drawSize(random: RandomStream, most = 65, mayBeEmpty = false): number {
  if (mayBeEmpty && chance(random, 0.04)) return 0
  return pick(
    random,
    raggedSizes.filter((size) => size <= most),
  )
}

/** Draws a shape of this rank whose sizes are ragged and whose product is at most `budget`. */
export function drawShape(random: RandomStream, rank: number, budget = 2000): number[] {
  let left = budget
  const shape = Array.from({ length: rank }, () => {
    const size = drawSize(random, left, true)
    left = Math.floor(left / Math.max(1, size))
    return size
  })
  // Shuffled, so that the long axis is not always the first.
  return shuffle(random, shape)
}

function shuffle<T>(random: RandomStream, list: readonly T[]): T[] {
  const result = [...list]
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const [a, b] = [result[i], result[j]]
    result[i] = b
    result[j] = a
  }
  return result
}

/** Draws the numbers 0 … n − 1 in some order. */
export function drawOrder(random: RandomStream, n: number): number[] {
  return shuffle(
    random,
    Array.from({ length: n }, (_, i) => i),
  )
}

/** Makes an f32 input whose every element is drawn by `next` and rounded to f32. */
export function f32Input(shape: Shape, next: (index: number) => number): PlainInput {
  return { shape, dtype: 'f32', data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => next(i)) }
}

export function i32Input(shape: Shape, next: (index: number) => number): PlainInput {
  return { shape, dtype: 'i32', data: Int32Array.from({ length: sizeOf(shape) }, (_, i) => next(i)) }
}

/** Draws Gaussian numbers. */
export function gaussian(random: RandomStream, shape: Shape, deviation = 1, mean = 0): PlainInput {
  return f32Input(shape, () => mean + deviation * random.normal())
}

/** Draws Gaussian numbers whose deviation may be small or large. */
export function spread(random: RandomStream, shape: Shape): PlainInput {
  return gaussian(random, shape, pick(random, [1, 1, 1, 1e-3, 30, 1e4]))
}

/** Draws rows of a table: integers in [0, below), with repeats. */
export function rowIds(random: RandomStream, shape: Shape, below: number): PlainInput {
  return i32Input(shape, () => random.below(below))
}

/** Numbers that arithmetic treats specially. */
const specialNumbers: readonly number[] = [
  0,
  -0,
  1,
  -1,
  Infinity,
  -Infinity,
  Number.NaN,
  1e30,
  -1e30,
  1e-30,
  0.5,
]

/** Draws Gaussian numbers among which every few are special. */
export function withSpecials(random: RandomStream, shape: Shape): PlainInput {
  return f32Input(shape, () => (chance(random, 0.3) ? pick(random, specialNumbers) : random.normal()))
}

/** Draws numbers of either type over the full range: for ops that must move them unread. */
export function anything(
  random: RandomStream,
  shape: Shape,
  dtype: DType = pick(random, ['f32', 'i32']),
): PlainInput {
  return dtype === 'f32' ? withSpecials(random, shape) : i32Input(shape, () => random.uint32() | 0)
}
