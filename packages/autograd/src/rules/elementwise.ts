/** d/dxᵢ of an elementwise formula: its symbolic derivative times the cotangent, summed over what was broadcast. */
import { derivative, elementwise, type Expression, expression, type Tensor } from '@burgeon/tensor'
import { summedTo } from './movement.ts'
import type { GradientRule } from './rule-table.ts'

const gradients = new WeakMap<Expression, Map<string, Expression>>()

/** cotangent · ∂formula/∂input, with the cotangent as input `count`. */
export function gradientOf(formula: Expression, index: number, count: number): Expression {
  const known = gradients.get(formula) ?? new Map<string, Expression>()
  gradients.set(formula, known)
  const key = `${index} ${count}`
  let found = known.get(key)
  if (found === undefined) {
    found = expression.multiply(derivative(formula, index), expression.input(count))
    known.set(key, found)
  }
  return found
}

export const elementwiseRule: GradientRule<'elementwise'> = ({ inputs, attrs, cotangents, needed }) => {
  const dy = cotangents[0] as Tensor
  if (attrs.dtype !== 'f32') return []
  return inputs.map((x, i) => {
    if (!needed[i]) return undefined
    const gradient = gradientOf(attrs.expression, i, inputs.length)
    const dx =
      gradient === expression.input(inputs.length)
        ? dy
        : elementwise(gradient, [...inputs, dy], attrs.scalars)
    return summedTo(dx, x.shape)
  })
}
