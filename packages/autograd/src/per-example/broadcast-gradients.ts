/** Per-example rules for elementwise formulas and for broadcasting. */
import { elementwise, expression, reshape, type Shape, sumTo, type Tensor } from '@burgeon/tensor'
import { gradientOf } from '../rules/elementwise.ts'
import type { ExampleGradients, Held } from './example-rules.ts'

/** An input that is not repeated along the output's first axis holds the examples as the output does. */
export function holdsElementwise({ inputs, output }: Held<'elementwise' | 'broadcast'>): readonly boolean[] {
  return inputs.map((x) => x.shape.length === output.shape.length && x.shape[0] === output.shape[0])
}

export const elementwiseGradients: ExampleGradients<'elementwise'> = ({ inputs, attrs, dy }, index) => {
  const gradient = gradientOf(attrs.expression, index, inputs.length)
  const dx =
    gradient === expression.input(inputs.length) ? dy : elementwise(gradient, [...inputs, dy], attrs.scalars)
  return sumToKeepingFirst(dx, inputs[index].shape)
}

/** Sums `[N, …]` to `[N, shape…]`. */
export function sumToKeepingFirst(x: Tensor, shape: Shape): Tensor {
  const [count] = x.shape
  const between = new Array<number>(x.shape.length - 1 - shape.length).fill(1)
  return reshape(sumTo(x, [count, ...between, ...shape]), [count, ...shape])
}
