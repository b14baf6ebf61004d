import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { sizeOf } from '../../shape.ts'
import { checkIds } from './check-ids.ts'

export const gatherReference: ReferenceKernel<'gather'> = (_, [table, ids], [out]) => {
  const rows = table.shape[0]
  const width = sizeOf(table.shape.slice(1))
  checkIds('gather', ids.buffer, rows)
  ids.buffer.forEach((id, i) =>
    out.buffer.set(table.buffer.subarray(id * width, (id + 1) * width), i * width),
  )
}
