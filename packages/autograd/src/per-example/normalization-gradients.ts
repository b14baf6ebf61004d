/** Per-example rules for gains and biases of normalizations: sums over each example's rows. */
import { elementwise, expression, sum, type Tensor } from '@burgeon/tensor'
import type { ExampleGradients } from './example-rules.ts'

const { input, multiply, subtract } = expression
// dy · (x − mean) · rstd
const layerGain = multiply(input(0), multiply(subtract(input(1), input(2)), input(3)))
// dy · x · rrms
const rmsGain = multiply(input(0), multiply(input(1), input(2)))

export const layerNormGradients: ExampleGradients<'layerNorm'> = ({ inputs: [x], outputs, dy }, index) =>
  sumOverRows(index === 1 ? elementwise(layerGain, [dy, x, outputs[1], outputs[2]]) : dy)

export const rmsNormGradients: ExampleGradients<'rmsNorm'> = ({ inputs: [x], outputs, dy }) =>
  sumOverRows(elementwise(rmsGain, [dy, x, outputs[1]]))

/** Sums `[N, …, C]` to `[N, C]`. */
const sumOverRows = (x: Tensor): Tensor => sum(x, { axes: x.shape.slice(1, -1).map((_, i) => i + 1) })
