/**
 * Matmul on WASM: one strided product for each matrix of the batch. Transposition is only a matter of
 * strides.
 */
import type { WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'
import { batchOffsets } from './batch-offsets.ts'
import { gemm } from './wasm/gemm.wasm.ts'
import { matmulSizes } from './matmul.ts'

export const matmulWasm: WasmKernel<'matmul'> = (backend, [a, b], [c], attrs) => {
  const { batch, m, n, k } = matmulSizes([a, b], attrs)
  const [rowA, columnA] = attrs.transposeA ? [4, 4 * m] : [4 * k, 4]
  const [rowB, columnB] = attrs.transposeB ? [4, 4 * k] : [4 * n, 4]
  const offsetsA = batchOffsets(a.shape.slice(0, -2), batch, m * k)
  const offsetsB = batchOffsets(b.shape.slice(0, -2), batch, k * n)
  const products = Array.from({ length: sizeOf(batch) }, (_, z) => ({
    m,
    n,
    k,
    c: c.buffer + 4 * z * m * n,
    cRow: 4 * n,
    init: 'zero' as const,
    a: { at: a.buffer + 4 * offsetsA[z], row: rowA, column: columnA },
    b: { at: b.buffer + 4 * offsetsB[z], row: rowB, column: columnB },
  }))
  gemm(backend, ...products)
}
