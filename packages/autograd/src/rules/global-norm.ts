/** d‖x‖/dx = x/‖x‖, and 0 where x = 0, as in PyTorch. */
import { add, elementwise, expression, multiply, normScale, type Tensor } from '@burgeon/tensor'
import { unitDirection } from '../unit-direction.ts'
import type { GradientRule } from './gradient-rule.ts'

// inputs: x, ‖x‖, scaled ‖x‖, cotangent
const gradient = expression.multiply(unitDirection, expression.input(3))

export const globalNormRule: GradientRule<'globalNorm'> = ({ inputs, outputs, cotangents, needed }) => {
  const ofNorm = cotangents[0]
  const ofScaled = cotangents[1] && multiply(cotangents[1], normScale)
  const dy = (ofNorm && ofScaled ? add(ofNorm, ofScaled) : (ofNorm ?? ofScaled)) as Tensor
  return inputs.map((x, i) => (needed[i] ? elementwise(gradient, [x, ...outputs, dy]) : undefined))
}
