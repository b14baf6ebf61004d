/** The oracle of sorting: compares number by number. */
import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'

export const sortReference: ReferenceKernel<'sort'> = (_, [x], [values, indices], { descending }) => {
  const n = x.shape.at(-1) as number
  for (let start = 0; start < x.buffer.length; start += n) {
    const row = x.buffer.subarray(start, start + n)
    const order = Array.from(row, (_, i) => i)
    order.sort((a, b) => compare(row[a], row[b]) * (descending ? -1 : 1) || a - b)
    for (const [i, from] of order.entries()) {
      values.buffer[start + i] = row[from]
      indices.buffer[start + i] = from
    }
  }
}

/** Compares two numbers; NaN is larger than any number, and equal to itself. */
function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return Number(a > b) - Number(a < b)
}
