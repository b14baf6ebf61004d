import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'

export const fillReference: ReferenceKernel<'fill'> = (_, _inputs, [out], { value }) => {
  out.buffer.fill(value)
}
