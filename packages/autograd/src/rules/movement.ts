/** Rules of ops that only move numbers: each moves the cotangents back. */
import { pad, permute, reshape, sameShape, type Shape, slice, sumTo, type Tensor } from '@burgeon/tensor'
import type { GradientRule } from './gradient-rule.ts'

/**
 * Sums as `sumTo`, but passes on a cotangent that already fits: what leaves the tape gets a tensor of its own
 * there.
 */
export const sumIfBroadcast = (dy: Tensor, shape: Shape): Tensor =>
  sameShape(dy.shape, shape) ? dy : sumTo(dy, shape)

export const reshapeRule: GradientRule<'reshape'> = ({ inputs: [x], cotangents: [dy] }) => [
  reshape(dy as Tensor, x.shape),
]

export const permuteRule: GradientRule<'permute'> = ({ attrs: { order }, cotangents: [dy] }) => [
  permute(
    dy as Tensor,
    order.map((_, axis) => order.indexOf(axis)),
  ),
]

export const broadcastRule: GradientRule<'broadcast'> = ({ inputs: [x], cotangents: [dy] }) => [
  sumIfBroadcast(dy as Tensor, x.shape),
]

export const sliceRule: GradientRule<'slice'> = ({
  inputs: [x],
  attrs: { start, stop },
  cotangents: [dy],
}) => [
  pad(
    dy as Tensor,
    start,
    x.shape.map((n, i) => n - stop[i]),
  ),
]

export const padRule: GradientRule<'pad'> = ({ inputs: [x], attrs: { before }, cotangents: [dy] }) => [
  slice(
    dy as Tensor,
    before,
    x.shape.map((n, i) => n + before[i]),
  ),
]

export const concatenateRule: GradientRule<'concatenate'> = ({
  inputs,
  attrs: { axis },
  cotangents: [dy],
}) => {
  let at = 0
  return inputs.map((x) => {
    const start = x.shape.map((_, i) => (i === axis ? at : 0))
    at += x.shape[axis]
    return slice(
      dy as Tensor,
      start,
      x.shape.map((n, i) => (i === axis ? at : n)),
    )
  })
}
