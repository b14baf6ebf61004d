import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'

export const argmaxReference: ReferenceKernel<'argmax'> = (_, [x], [out]) => {
  const n = x.shape.at(-1) as number
  for (let row = 0; row < out.buffer.length; row++) {
    const values = x.buffer.subarray(row * n, (row + 1) * n)
    let best = 0
    for (let i = 1; i < n; i++) {
      if (values[i] > values[best] || (Number.isNaN(values[i]) && !Number.isNaN(values[best]))) best = i
    }
    out.buffer[row] = best
  }
}
