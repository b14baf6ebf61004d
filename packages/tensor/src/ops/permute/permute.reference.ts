import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { sizeOf, stridesOf } from '../../shape.ts'

export const permuteReference: ReferenceKernel<'permute'> = (_, [x], [out], { order }) => {
  const from = stridesOf(x.shape)
  const strides = order.map((axis) => from[axis])
  const position = new Array<number>(order.length).fill(0)
  for (let i = 0; i < sizeOf(out.shape); i++) {
    let at = 0
    for (let d = 0; d < position.length; d++) at += position[d] * strides[d]
    out.buffer[i] = x.buffer[at]
    for (let d = position.length - 1; d >= 0 && ++position[d] === out.shape[d]; d--) position[d] = 0
  }
}
