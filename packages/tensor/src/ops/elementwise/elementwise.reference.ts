/**
 * The oracle of elementwise formulas: interprets the expression in double precision for each element of the
 * output.
 */
import type { ReferenceKernel } from '../../backends/reference/reference-backend.ts'
import { evaluator } from '../../expression/evaluate.ts'
import { broadcastStrides, sizeOf } from '../../shape.ts'

export const elementwiseReference: ReferenceKernel<'elementwise'> = (_, inputs, [out], attrs) => {
  const evaluate = evaluator(attrs.expression)
  const strides = inputs.map((x) => broadcastStrides(x.shape, out.shape))
  const values = new Float64Array(inputs.length)
  const position = new Array<number>(out.shape.length).fill(0)
  for (let i = 0; i < sizeOf(out.shape); i++) {
    inputs.forEach((x, k) => {
      let at = 0
      for (let d = 0; d < position.length; d++) at += position[d] * strides[k][d]
      values[k] = x.buffer[at]
    })
    out.buffer[i] = evaluate(values, attrs.scalars)
    for (let d = position.length - 1; d >= 0 && ++position[d] === out.shape[d]; d--) position[d] = 0
  }
}
