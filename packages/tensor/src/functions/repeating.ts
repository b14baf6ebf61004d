/** Functions that repeat and reverse numbers. Element types stay as they are. */
import { checkArgument } from '../checks/check-options.ts'
import { checkAxis } from '../checks/check-axis.ts'
import { checkTensor } from '../checks/check-tensor.ts'
import * as checks from '../checks/checks.ts'
import { ShapeError } from '../errors.ts'
import * as e from '../expression/expression.ts'
import { broadcastTo } from '../ops/broadcast/broadcast.ts'
import { elementwise } from '../ops/elementwise/elementwise.ts'
import { gather } from '../ops/gather/gather.ts'
import { iota } from '../ops/iota/iota.ts'
import { permute } from '../ops/permute/permute.ts'
import { reshape } from '../ops/reshape/reshape.ts'
import { scope } from '../scope.ts'
import { axesOrAll, checkShape, formatShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/**
 * Repeats each element along `axis`: `[1, 2]` twice is `[1, 1, 2, 2]`. NumPy's `repeat`; PyTorch calls it
 * `repeat_interleave`, and `tile` is its `repeat`.
 *
 * @param count How often, ≥ 0.
 */
export function repeat(x: Tensor, count: number, axis = 0): Tensor {
  checkTensor('repeat', 'x', x)
  checkArgument('repeat', 'count', count, checks.integer({ from: 0 }))
  const { shape } = x
  const at = checkAxis('repeat', axis, shape.length)
  const repeated = shape.with(at, shape[at] * count)
  checkShape('repeat', repeated)
  return scope(() => {
    const apart = reshape(x, shape.toSpliced(at + 1, 0, 1))
    return reshape(broadcastTo(apart, shape.toSpliced(at + 1, 0, count)), repeated)
  })
}

/**
 * Repeats the whole tensor along each axis: `[1, 2]` twice is `[1, 2, 1, 2]`.
 *
 * @param counts How often along each axis, ≥ 0, aligned at the right; missing counts or axes are 1, as in
 *   NumPy.
 */
export function tile(x: Tensor, counts: readonly number[]): Tensor {
  checkTensor('tile', 'x', x)
  checkArgument('tile', 'counts', counts, checks.list('a list of integers ≥ 0', checks.integer({ from: 0 })))
  const rank = Math.max(x.shape.length, counts.length)
  const alignRight = (list: readonly number[]): number[] => [
    ...new Array<number>(rank - list.length).fill(1),
    ...list,
  ]
  const [sizes, times] = [alignRight(x.shape), alignRight(counts)]
  const tiled = sizes.map((n, i) => n * times[i])
  checkShape('tile', tiled)
  return scope(() => {
    // An axis that is not repeated stays as it is.
    const spread = (each: (i: number) => number): number[] =>
      sizes.flatMap((n, i) => (times[i] === 1 ? [n] : [each(i), n]))
    const apart = reshape(
      x,
      spread(() => 1),
    )
    const repeated = broadcastTo(
      apart,
      spread((i) => times[i]),
    )
    return reshape(repeated, tiled)
  })
}

/** Longer axes have indices that single precision cannot count. */
const longestFlip = 2 ** 24

/**
 * Reverses the order of elements along `axes`. Default: all axes.
 *
 * @throws ShapeError for axes that x does not have, and for one of more than 2²⁴ elements.
 */
export function flip(x: Tensor, axes?: readonly number[]): Tensor {
  checkTensor('flip', 'x', x)
  const { shape } = x
  const flipped = axesOrAll('flip', axes, shape.length)
  if (flipped.some((axis) => shape[axis] > longestFlip)) {
    throw new ShapeError(
      `flip: got axes ${formatShape(flipped)} of ${formatShape(shape)}; expected at most 2^24 elements along each.`,
    )
  }
  return scope(() => flipped.reduce(flippedAlong, reshape(x, shape)))
}

const countedDown = e.subtract(e.scalar(0), e.input(0))

function flippedAlong(x: Tensor, axis: number): Tensor {
  const size = x.shape[axis]
  const ids = elementwise(countedDown, [iota(x.device, size)], [size - 1], 'i32')
  // Swapping the axis with the first one is its own inverse.
  const order = x.shape.map((_, i) => (i === 0 ? axis : i === axis ? 0 : i))
  return axis === 0 ? gather(x, ids) : permute(gather(permute(x, order), ids), order)
}
