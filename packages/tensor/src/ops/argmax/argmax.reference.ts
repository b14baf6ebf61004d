import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'

export const argmaxReference: ReferenceKernel<'argmax'> = (_, [x], [out]) => {
  const n = x.shape.at(-1) as number
  for (let row = 0; row < out.buffer.length; row++) {
    let best = 0
    for (let i = 1; i < n; i++) if (x.buffer[row * n + i] > x.buffer[row * n + best]) best = i
    out.buffer[row] = best
  }
}
