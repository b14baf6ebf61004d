/** Running sums, and what puts numbers along an axis in another order: the leading axis of examples is one more that stays. */
import { broadcastTo, cumsum, reorder, type Tensor } from '@burgeon/tensor'
import type { ExampleGradients } from './example-rules.ts'

export const cumsumGradients: ExampleGradients<'cumsum'> = ({ attrs: { axis, reverse }, dy }) =>
  cumsum(dy, axis + 1, { reverse: !reverse })

export const sortGradients: ExampleGradients<'sort'> = ({ outputs: [, indices], dy }) =>
  reorder(dy, ofEachExample(indices, dy), { inverse: true })

export const reorderGradients: ExampleGradients<'reorder'> = ({
  inputs: [, indices],
  attrs: { inverse },
  dy,
}) => reorder(dy, ofEachExample(indices, dy), { inverse: !inverse })

/** Indices `[…]` that all examples share, or `[N, …]`, as `[N, …]`. */
const ofEachExample = (indices: Tensor, { shape }: Tensor): Tensor => broadcastTo(indices, shape)
