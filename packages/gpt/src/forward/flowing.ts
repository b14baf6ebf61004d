/** What flows inside the model: shown to whoever observes it, or replaced. */
import { checks, formatShape, sameShape, ShapeError, shown, type Tensor } from '@burgeon/tensor'
import type { ForwardOptions, ObservedActivation } from './forward-options.ts'

/** Who sees and changes what flows. */
export type Onlookers = Pick<ForwardOptions, 'observe' | 'replace'>

/**
 * The value that flows on: `x`, or what is put in its place.
 *
 * @throws ShapeError if that is no tensor of the shape of `x`.
 */
export function flowing(
  { observe, replace }: Onlookers,
  block: string,
  what: ObservedActivation,
  x: Tensor,
): Tensor {
  const y = replace?.(block, what, x) ?? x
  if (y !== x) checkReplacement(block, what, x, y)
  observe?.(block, what, y)
  return y
}

function checkReplacement(block: string, what: ObservedActivation, x: Tensor, y: unknown): void {
  if (checks.tensor.accepts(y) && y.dtype === x.dtype && sameShape(y.shape, x.shape)) return
  const got = checks.tensor.accepts(y) ? `${y.dtype}${formatShape(y.shape)}` : shown(y)
  throw new ShapeError(
    `forward: replace: got ${got} in the place of ${block} ${what}; expected undefined or ${x.dtype}${formatShape(x.shape)}.`,
  )
}
