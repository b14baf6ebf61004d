/** Rules of running sums, and of sorting and reordering along an axis. */
import { type Attrs, reorder, runOp, type Tensor } from '@burgeon/tensor'
import { type GradientRule, nothing, withReads, type Reads } from './gradient-rule.ts'

/**
 * Each number is in every sum from its place on, so its gradient is the sum of their gradients from there on.
 */
export const cumsumRule: GradientRule<'cumsum'> = withReads(nothing, ({ attrs, cotangents: [dy] }) =>
  runOp('cumsum', [dy as Tensor], { ...attrs, reverse: !attrs.reverse }),
)

const indicesOnly = (): Reads => ({ inputs: [false], outputs: true })

/** Each number gets the gradient of the place it was moved to. */
export const sortRule: GradientRule<'sort'> = withReads(
  indicesOnly,
  ({ outputs: [, indices], cotangents: [dy] }) => [
    dy === undefined ? undefined : reorder(dy, indices, { inverse: true }),
  ],
)

const readsOfReorder = (_: Attrs<'reorder'>): Reads => ({ inputs: [false, true], outputs: false })

export const reorderRule: GradientRule<'reorder'> = withReads(
  readsOfReorder,
  ({ inputs: [, indices], attrs: { inverse }, cotangents: [dy] }) => [
    reorder(dy as Tensor, indices, { inverse: !inverse }),
  ],
)
