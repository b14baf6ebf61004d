import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { IndexError } from '../../errors.ts'
import { sizeOf } from '../../shape.ts'

export const gatherReference: ReferenceKernel<'gather'> = (_, [table, ids], [out]) => {
  const rows = table.shape[0]
  const width = sizeOf(table.shape.slice(1))
  checkIds('gather', ids.buffer, rows)
  ids.buffer.forEach((id, i) => out.buffer.set(table.buffer.subarray(id * width, (id + 1) * width), i * width))
}

/** Throws IndexError, naming the first id outside [0, rows). */
export function checkIds(op: string, ids: ArrayLike<number>, rows: number): void {
  for (let i = 0; i < ids.length; i++) {
    if (!(ids[i] >= 0 && ids[i] < rows)) {
      throw new IndexError(`${op}: id ${ids[i]} at position ${i} is outside the table; expected 0 to ${rows - 1}.`)
    }
  }
}
