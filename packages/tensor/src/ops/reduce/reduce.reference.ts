/** The oracle of reductions: adds or compares in the order of the input. */
import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { sizeOf, stridesOf } from '../../shape.ts'

export const reduceReference: ReferenceKernel<'reduce'> = (_, [x], [out], { kind, axes }) => {
  const kept = x.shape.map((n, i) => (axes.includes(i) ? 1 : n))
  const strides = stridesOf(kept).map((stride, i) => (axes.includes(i) ? 0 : stride))
  const { nothing, combine } = monoids[kind]
  out.buffer.fill(nothing[x.dtype])
  const position = new Array<number>(x.shape.length).fill(0)
  for (let i = 0; i < sizeOf(x.shape); i++) {
    let at = 0
    for (let d = 0; d < position.length; d++) at += position[d] * strides[d]
    out.buffer[at] = combine(out.buffer[at], x.buffer[i])
    for (let d = position.length - 1; d >= 0 && ++position[d] === x.shape[d]; d--) position[d] = 0
  }
}

const monoids = {
  sum: { nothing: { f32: 0, i32: 0 }, combine: (x: number, y: number): number => x + y },
  max: { nothing: { f32: -Infinity, i32: -(2 ** 31) }, combine: Math.max },
  min: { nothing: { f32: Infinity, i32: 2 ** 31 - 1 }, combine: Math.min },
} as const
