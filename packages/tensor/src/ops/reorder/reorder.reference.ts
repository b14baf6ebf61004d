import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { checkIds } from '../gather/check-ids.ts'

export const reorderReference: ReferenceKernel<'reorder'> = (_, [x, indices], [out], { inverse }) => {
  const n = x.shape.at(-1) as number
  checkIds('reorder', indices.buffer, n)
  for (let i = 0; i < x.buffer.length; i++) {
    const other = i - (i % n) + indices.buffer[i]
    if (inverse) out.buffer[other] = x.buffer[i]
    else out.buffer[i] = x.buffer[other]
  }
}
