import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { sizeOf, stridesOf } from '../../shape.ts'

export const sliceReference: ReferenceKernel<'slice'> = (_, [x], [out], { start }) => {
  const strides = stridesOf(x.shape)
  const position = [...start]
  for (let i = 0; i < sizeOf(out.shape); i++) {
    let at = 0
    for (let d = 0; d < position.length; d++) at += position[d] * strides[d]
    out.buffer[i] = x.buffer[at]
    for (let d = position.length - 1; d >= 0 && ++position[d] === start[d] + out.shape[d]; d--)
      position[d] = start[d]
  }
}
