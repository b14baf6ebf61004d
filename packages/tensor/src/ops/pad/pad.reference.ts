import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { sizeOf, stridesOf } from '../../shape.ts'

export const padReference: ReferenceKernel<'pad'> = (_, [x], [out], { before }) => {
  const strides = stridesOf(out.shape)
  out.buffer.fill(0)
  const position = new Array<number>(x.shape.length).fill(0)
  for (let i = 0; i < sizeOf(x.shape); i++) {
    let at = 0
    for (let d = 0; d < position.length; d++) at += (position[d] + before[d]) * strides[d]
    out.buffer[at] = x.buffer[i]
    for (let d = position.length - 1; d >= 0 && ++position[d] === x.shape[d]; d--) position[d] = 0
  }
}
