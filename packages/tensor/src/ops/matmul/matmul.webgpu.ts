/**
 * Matmul on WebGPU: one strided product for each matrix of the batch. Transposition is only a matter of
 * strides.
 */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { sizeOf } from '../../shape.ts'
import { batchOffsets } from './batch-offsets.ts'
import { matmulSizes } from './matmul.ts'
import { product } from './webgpu/product.webgpu.ts'

export const matmulWebGpu: WebGpuKernel<'matmul'> = (backend, [a, b], [c], attrs) => {
  const { batch, m, n, k } = matmulSizes([a, b], attrs)
  const count = sizeOf(batch)
  const offsetsA = batchOffsets(a.shape.slice(0, -2), batch, m * k)
  const offsetsB = batchOffsets(b.shape.slice(0, -2), batch, k * n)
  const [rowA, columnA] = attrs.transposeA ? [1, m] : [k, 1]
  const [rowB, columnB] = attrs.transposeB ? [1, k] : [n, 1]
  const call = (first: number, many: number, stepA: number, stepB: number): void =>
    product(backend, {
      m,
      n,
      k,
      batch: many,
      a: { buffer: a.buffer, at: offsetsA[first], row: rowA, column: columnA, step: stepA },
      b: { buffer: b.buffer, at: offsetsB[first], row: rowB, column: columnB, step: stepB },
      c: { buffer: c.buffer, at: first * m * n },
    })
  const stepOf = (offsets: readonly number[]): number | undefined => {
    const step = (offsets[1] ?? 0) - (offsets[0] ?? 0)
    return offsets.every((at, z) => at === offsets[0] + z * step) ? step : undefined
  }
  const [stepA, stepB] = [stepOf(offsetsA), stepOf(offsetsB)]
  if (stepA !== undefined && stepB !== undefined) call(0, count, stepA, stepB)
  // Several batch axes of which some are repeated: one call for each matrix.
  else for (let z = 0; z < count; z++) call(z, 1, 0, 0)
}
