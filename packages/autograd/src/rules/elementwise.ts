/**
 * d/dxᵢ of an elementwise formula: its symbolic derivative times the cotangent, summed over what was
 * broadcast.
 */
import {
  type Attrs,
  derivative,
  elementwise,
  type Expression,
  expression,
  type Tensor,
} from '@burgeon/tensor'
import { sumIfBroadcast } from './movement.ts'
import { type GradientRule, withReads, type Reads } from './gradient-rule.ts'

/** The derivative of a formula with respect to an input that it does not depend on, or only in steps. */
const none = expression.constant(0)
const gradients = new WeakMap<Expression, Map<string, Expression>>()

/** Returns cotangent · ∂formula/∂input, with the cotangent as input `count`. */
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

/** The inputs that are left in the derivatives. */
function readsOf(attrs: Attrs<'elementwise'>, count: number): Reads {
  const places = Array.from({ length: count }, (_, i) => i)
  const seen = new Set(
    places
      .flatMap((i) => [...expression.topologicalOrder(derivative(attrs.expression, i))])
      .flatMap((node) => (node.kind === 'input' ? [node.index] : [])),
  )
  return { inputs: places.map((i) => seen.has(i)), outputs: false }
}

export const elementwiseRule: GradientRule<'elementwise'> = withReads(readsOf, (call) => {
  const { inputs, attrs, cotangents, needed } = call
  const dy = cotangents[0] as Tensor
  if (attrs.dtype !== 'f32') return []
  return inputs.map((x, i) => {
    if (!needed[i]) return undefined
    const gradient = gradientOf(attrs.expression, i, inputs.length)
    if (gradient === none) return undefined
    const dx =
      gradient === expression.input(inputs.length)
        ? dy
        : elementwise(gradient, [...inputs, dy], attrs.scalars)
    return sumIfBroadcast(dx, x.shape)
  })
})
