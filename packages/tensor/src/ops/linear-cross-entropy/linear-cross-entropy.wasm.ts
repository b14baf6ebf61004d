/**
 * Cross-entropy of a linear layer on WASM: products and losses of some rows at a time, through one piece of
 * scratch room.
 */
import type { WasmKernel, WasmOperand } from '../../backends/wasm/wasm-backend.ts'
import { sizeOf } from '../../shape.ts'
import { crossEntropyGradWasm, crossEntropyWasm } from '../cross-entropy/cross-entropy.wasm.ts'
import { gemm } from '../matmul/wasm/gemm.wasm.ts'
import { linearLossSizes, rowsOfChunk } from './linear-cross-entropy.ts'

/** The numbers of rows `first` to `first + many`, of a tensor with one number per row. */
const part = ({ buffer, dtype }: WasmOperand, first: number, many: number): WasmOperand => ({
  buffer: buffer + 4 * first,
  dtype,
  shape: [many],
})

export const linearCrossEntropyWasm: WasmKernel<'linearCrossEntropy'> = (backend, inputs, outputs) => {
  const sizes = linearLossSizes('linearCrossEntropy', inputs)
  const { n, c, v } = sizes
  const [x, w, targets] = inputs
  const chunk = rowsOfChunk(sizes)
  backend.scratch(4 * chunk * v, 'linearCrossEntropy', (buffer) => {
    for (let first = 0; first < n; first += chunk) {
      const rows = Math.min(chunk, n - first)
      const logits: WasmOperand = { buffer, shape: [rows, v], dtype: 'f32' }
      gemm(backend, {
        m: rows,
        n: v,
        k: c,
        c: buffer,
        cRow: 4 * v,
        init: 'zero',
        a: { at: x.buffer + 4 * first * c, row: 4 * c, column: 4 },
        b: { at: w.buffer, row: 4, column: 4 * c },
      })
      const own = outputs.map((output) => part(output, first, rows))
      crossEntropyWasm(backend, [logits, part(targets, first, rows)], own, {})
    }
  })
}

export const linearCrossEntropyGradWasm: WasmKernel<'linearCrossEntropyGrad'> = (
  backend,
  inputs,
  [dx, dw],
) => {
  const [dlosses, x, w, targets, logSumExp] = inputs
  const sizes = linearLossSizes('linearCrossEntropyGrad', [x, w, targets])
  const { n, c, v } = sizes
  if (n === 0) backend.view('f32', dw.buffer, sizeOf(dw.shape)).fill(0)
  const chunk = rowsOfChunk(sizes)
  backend.scratch(4 * chunk * v, 'linearCrossEntropyGrad', (buffer) => {
    for (let first = 0; first < n; first += chunk) {
      const rows = Math.min(chunk, n - first)
      const logits: WasmOperand = { buffer, shape: [rows, v], dtype: 'f32' }
      const ownX = { at: x.buffer + 4 * first * c, row: 4 * c, column: 4 }
      gemm(backend, {
        m: rows,
        n: v,
        k: c,
        c: buffer,
        cRow: 4 * v,
        init: 'zero',
        a: ownX,
        b: { at: w.buffer, row: 4, column: 4 * c },
      })
      // Every gradient takes the place of its logit.
      const perRow = [dlosses, targets, logSumExp].map((one) => part(one, first, rows))
      crossEntropyGradWasm(backend, [perRow[0], logits, perRow[1], perRow[2]], [logits], {})
      gemm(backend, {
        m: rows,
        n: c,
        k: v,
        c: dx.buffer + 4 * first * c,
        cRow: 4 * c,
        init: 'zero',
        a: { at: buffer, row: 4 * v, column: 4 },
        b: { at: w.buffer, row: 4 * c, column: 4 },
      })
      gemm(backend, {
        m: v,
        n: c,
        k: rows,
        c: dw.buffer,
        cRow: 4 * c,
        init: first === 0 ? 'zero' : 'result',
        a: { at: buffer, row: 4, column: 4 * v },
        b: ownX,
      })
    }
  })
}
