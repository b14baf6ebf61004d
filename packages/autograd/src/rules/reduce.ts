import { broadcastTo, divide, equal, multiply, reshape, sum, type Tensor } from '@burgeon/tensor'
import type { GradientRule } from './gradient-rule.ts'

export const reduceRule: GradientRule<'reduce'> = ({
  inputs: [x],
  outputs: [y],
  attrs,
  cotangents: [dy],
}) => {
  const kept = x.shape.map((n, i) => (attrs.axes.includes(i) ? 1 : n))
  const gradient = reshape(dy as Tensor, kept)
  // y = Σ x: every term moves y as much as itself
  if (attrs.kind === 'sum') return [broadcastTo(gradient, x.shape)]
  // y = max x: the largest elements share the gradient equally
  const isLargest = equal(x, reshape(y, kept))
  return [multiply(isLargest, divide(gradient, sum(isLargest, { axes: attrs.axes, keepDims: true })))]
}
