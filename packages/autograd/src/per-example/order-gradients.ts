/**
 * Per-example rules for running sums and for sorting and reordering along an axis: the leading axis of
 * examples stays.
 */
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

/** Returns indices `[N, …]` from indices `[…]` that all examples share, or from `[N, …]`. */
const ofEachExample = (indices: Tensor, { shape }: Tensor): Tensor => broadcastTo(indices, shape)
