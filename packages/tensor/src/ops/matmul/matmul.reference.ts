/** The oracle of matrix products: three loops and a sum in double precision. */
import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { sizeOf } from '../../shape.ts'
import { batchOffsets } from './batch-offsets.ts'
import { matmulSizes } from './matmul.ts'

export const matmulReference: ReferenceKernel<'matmul'> = (_, [a, b], [c], attrs) => {
  const { batch, m, n, k } = matmulSizes([a, b], attrs)
  const offsets = [a, b].map((x) => batchOffsets(x.shape.slice(0, -2), batch, x === a ? m * k : k * n))
  const [rowA, colA] = attrs.transposeA ? [1, m] : [k, 1]
  const [rowB, colB] = attrs.transposeB ? [1, k] : [n, 1]
  for (let z = 0; z < sizeOf(batch); z++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0
        for (let p = 0; p < k; p++) {
          sum += a.buffer[offsets[0][z] + i * rowA + p * colA] * b.buffer[offsets[1][z] + p * rowB + j * colB]
        }
        c.buffer[(z * m + i) * n + j] = sum
      }
    }
  }
}
