import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { broadcastStrides, sizeOf } from '../../shape.ts'

export const broadcastReference: ReferenceKernel<'broadcast'> = (_, [x], [out]) => {
  const strides = broadcastStrides(x.shape, out.shape)
  const position = new Array<number>(out.shape.length).fill(0)
  for (let i = 0; i < sizeOf(out.shape); i++) {
    let at = 0
    for (let d = 0; d < position.length; d++) at += position[d] * strides[d]
    out.buffer[i] = x.buffer[at]
    for (let d = position.length - 1; d >= 0 && ++position[d] === out.shape[d]; d--) position[d] = 0
  }
}
