/** Per-example rules for ops that only move numbers, and for sums: the leading axis of examples stays. */
import { broadcastTo, divide, equal, multiply, pad, permute, reshape, slice, sum } from '@burgeon/tensor'
import { sumToKeepingFirst } from './broadcast-gradients.ts'
import type { ExampleGradients } from './example-rules.ts'

export const reshapeGradients: ExampleGradients<'reshape'> = ({ inputs: [x], count, dy }) =>
  reshape(dy, [count, ...x.shape])

export const permuteGradients: ExampleGradients<'permute'> = ({ attrs: { order }, dy }) =>
  permute(dy, [0, ...order.map((_, axis) => order.indexOf(axis) + 1)])

export const broadcastGradients: ExampleGradients<'broadcast'> = ({ inputs: [x], dy }) =>
  sumToKeepingFirst(dy, x.shape)

export const sliceGradients: ExampleGradients<'slice'> = ({ inputs: [x], attrs: { start, stop }, dy }) =>
  pad(dy, [0, ...start], [0, ...x.shape.map((n, i) => n - stop[i])])

export const padGradients: ExampleGradients<'pad'> = ({ inputs: [x], attrs: { before }, count, dy }) =>
  slice(dy, [0, ...before], [count, ...x.shape.map((n, i) => n + before[i])])

export const concatenateGradients: ExampleGradients<'concatenate'> = (
  { inputs, attrs: { axis }, count, dy },
  index,
) => {
  const before = inputs.slice(0, index).reduce((total, x) => total + x.shape[axis], 0)
  const { shape } = inputs[index]
  const start = shape.map((_, i) => (i === axis ? before : 0))
  return slice(dy, [0, ...start], [count, ...shape.map((n, i) => start[i] + n)])
}

export const reduceGradients: ExampleGradients<'reduce'> = ({
  inputs: [x],
  outputs: [y],
  attrs,
  count,
  dy,
}) => {
  const kept = x.shape.map((n, i) => (attrs.axes.includes(i) ? 1 : n))
  const gradient = reshape(dy, [count, ...kept])
  if (attrs.kind === 'sum') return broadcastTo(gradient, [count, ...x.shape])
  // The largest elements share the gradient, as in the rule of `reduce`.
  const isLargest = equal(x, reshape(y, kept))
  const share = divide(isLargest, sum(isLargest, { axes: attrs.axes, keepDims: true }))
  return multiply(share, gradient)
}
