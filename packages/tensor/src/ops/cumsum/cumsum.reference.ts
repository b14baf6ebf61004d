/** The oracle of running sums: adds one number after another. */
import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { linesOf } from './cumsum.ts'

export const cumsumReference: ReferenceKernel<'cumsum'> = (_, [x], [out], { axis, reverse }) => {
  const { outer, terms, inner } = linesOf(x.shape, axis)
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let total = 0
      for (let k = 0; k < terms; k++) {
        const at = (o * terms + (reverse ? terms - 1 - k : k)) * inner + i
        total += x.buffer[at]
        out.buffer[at] = total
      }
    }
  }
}
