import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { sizeOf } from '../../shape.ts'
import { checkIds } from '../gather/check-ids.ts'

export const scatterAddReference: ReferenceKernel<'scatterAdd'> = (_, [ids, values], [out], { rows }) => {
  const width = sizeOf(out.shape.slice(1))
  checkIds('scatterAdd', ids.buffer, rows)
  out.buffer.fill(0)
  ids.buffer.forEach((id, i) => {
    for (let j = 0; j < width; j++) out.buffer[id * width + j] += values.buffer[i * width + j]
  })
}
