import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { sizeOf } from '../../shape.ts'

export const concatenateReference: ReferenceKernel<'concatenate'> = (_, inputs, [out], { axis }) => {
  const row = sizeOf(out.shape.slice(axis))
  let column = 0
  for (const x of inputs) {
    const width = sizeOf(x.shape.slice(axis))
    for (let i = 0; i < x.buffer.length; i++) {
      out.buffer[Math.floor(i / width) * row + column + (i % width)] = x.buffer[i]
    }
    column += width
  }
}
