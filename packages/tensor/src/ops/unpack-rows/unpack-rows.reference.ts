import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { readNumber } from '../../packed/row-codes.ts'

export const unpackRowsReference: ReferenceKernel<'unpackRows'> = (_, [packed], [out], attrs) => {
  const { width } = attrs
  const words = packed.shape.at(-1) as number
  for (let i = 0; i < out.buffer.length; i++) {
    const row = Math.floor(i / width)
    out.buffer[i] = readNumber(packed.buffer, row * words, attrs, width, i % width)
  }
}
