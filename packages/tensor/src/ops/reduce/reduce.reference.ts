/** The oracle: adds or compares in order of the input. */
import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { sizeOf, stridesOf } from '../../shape.ts'

export const reduceReference: ReferenceKernel<'reduce'> = (_, [x], [out], { kind, axes }) => {
  const kept = x.shape.map((n, i) => (axes.includes(i) ? 1 : n))
  const strides = stridesOf(kept).map((stride, i) => (axes.includes(i) ? 0 : stride))
  const smallest = x.dtype === 'f32' ? -Infinity : -(2 ** 31)
  out.buffer.fill(kind === 'sum' ? 0 : smallest)
  const position = new Array<number>(x.shape.length).fill(0)
  for (let i = 0; i < sizeOf(x.shape); i++) {
    let at = 0
    for (let d = 0; d < position.length; d++) at += position[d] * strides[d]
    out.buffer[at] = kind === 'sum' ? out.buffer[at] + x.buffer[i] : Math.max(out.buffer[at], x.buffer[i])
    for (let d = position.length - 1; d >= 0 && ++position[d] === x.shape[d]; d--) position[d] = 0
  }
}
