/**
 * Cross-entropy of a linear layer on WebGPU: products and losses of some rows at a time, through one piece of
 * scratch room.
 */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { sizeOf } from '../../shape.ts'
import { rowLosses, rowGradients } from '../cross-entropy/cross-entropy.webgpu.ts'
import { fillBuffer } from '../fill/fill.webgpu.ts'
import { product } from '../matmul/webgpu/product.webgpu.ts'
import { linearLossSizes, rowsOfChunk } from './linear-cross-entropy.ts'

export const linearCrossEntropyWebGpu: WebGpuKernel<'linearCrossEntropy'> = (backend, inputs, outputs) => {
  const sizes = linearLossSizes('linearCrossEntropy', inputs)
  const { n, c, v } = sizes
  const [x, w, targets] = inputs.map(({ buffer }) => buffer)
  const [losses, logSumExp] = outputs.map(({ buffer }) => buffer)
  const chunk = rowsOfChunk(sizes)
  backend.scratch(4 * chunk * v, 'linearCrossEntropy', (logits) => {
    for (let firstRow = 0; firstRow < n; firstRow += chunk) {
      const rows = Math.min(chunk, n - firstRow)
      product(backend, {
        m: rows,
        n: v,
        k: c,
        batch: 1,
        a: { buffer: x, at: firstRow * c, row: c, column: 1, step: 0 },
        b: { buffer: w, at: 0, row: 1, column: c, step: 0 },
        c: { buffer: logits, at: 0 },
      })
      rowLosses(backend, { logits, targets, losses, logSumExp }, { firstRow, rows, columns: v })
    }
  })
}

export const linearCrossEntropyGradWebGpu: WebGpuKernel<'linearCrossEntropyGrad'> = (
  backend,
  inputs,
  [outX, outW],
) => {
  const sizes = linearLossSizes('linearCrossEntropyGrad', inputs.slice(1))
  const { n, c, v } = sizes
  const [dlosses, x, w, targets, logSumExp] = inputs.map(({ buffer }) => buffer)
  if (n === 0) return fillBuffer(backend, outW.buffer, sizeOf(outW.shape), 0, 'f32')
  const chunk = rowsOfChunk(sizes)
  backend.scratch(4 * chunk * v, 'linearCrossEntropyGrad', (logits) => {
    for (let firstRow = 0; firstRow < n; firstRow += chunk) {
      const rows = Math.min(chunk, n - firstRow)
      const gradients = { buffer: logits, at: 0 }
      const ownX = { buffer: x, at: firstRow * c, row: c, column: 1, step: 0 }
      product(backend, {
        m: rows,
        n: v,
        k: c,
        batch: 1,
        a: ownX,
        b: { buffer: w, at: 0, row: 1, column: c, step: 0 },
        c: gradients,
      })
      rowGradients(backend, { logits, targets, dlosses, logSumExp }, { firstRow, rows, columns: v })
      product(backend, {
        m: rows,
        n: c,
        k: v,
        batch: 1,
        a: { ...gradients, row: v, column: 1, step: 0 },
        b: { buffer: w, at: 0, row: c, column: 1, step: 0 },
        c: { buffer: outX.buffer, at: firstRow * c },
      })
      product(backend, {
        m: v,
        n: c,
        k: rows,
        batch: 1,
        a: { ...gradients, row: 1, column: v, step: 0 },
        b: ownX,
        c: { buffer: outW.buffer, at: 0 },
        accumulates: firstRow > 0,
      })
    }
  })
}
