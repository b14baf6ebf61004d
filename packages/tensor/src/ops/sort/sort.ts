/** Sort: numbers along the last axis in order, and the index each came from. */
import * as checks from '../../checks/checks.ts'
import { checkArgument, checkOptions, type ChecksOf } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { OptionError, ShapeError } from '../../errors.ts'
import { defineOp, i32 } from '../../op.ts'
import { formatShape, normalizeAxes, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { permute } from '../permute/permute.ts'
import { slice } from '../slice/slice.ts'

export interface SortAttrs {
  readonly descending: boolean
}

export const sortOp = defineOp<SortAttrs>()({
  name: 'sort',
  takes: { x: 'any' },
  // x[…, N] → values[…, N], indices i32[…, N]
  infer([x]) {
    if (x.shape.length === 0) throw new ShapeError('sort: got []; expected an axis along which to sort.')
    return [{ shape: x.shape, dtype: x.dtype }, i32(x.shape)]
  },
  // Number of comparisons in a merge sort.
  flops: ([x]) => sizeOf(x.shape) * Math.ceil(Math.log2(Math.max(x.shape.at(-1) ?? 1, 2))),
})

/** Numbers in order, and their former indices along the same axis (`i32`). */
export interface Sorted {
  readonly values: Tensor
  readonly indices: Tensor
}

/** Options of `sort`. */
export interface SortOptions {
  /** The largest numbers come first. Default false. */
  readonly descending?: boolean
}

const optionChecks: ChecksOf<SortOptions> = { descending: checks.boolean }

/**
 * Sorts the numbers along an axis and returns them with their indices, both of the shape of `x`.
 *
 * The order is NumPy's: NaN counts as larger than any number, so it comes last, and first in descending
 * order. Equal numbers (also −0 and 0) keep their order, in either direction. Gradients flow to `x` through
 * the values.
 *
 * @param axis Counted from either end. Default: the last.
 * @throws ShapeError for an axis that `x` does not have, OptionError for an option that does not exist.
 * @example
 * ```ts
 * const { values, indices } = sort(tensor([3, 1, 2])) // [1, 2, 3], [1, 2, 0]
 * ```
 */
export function sort(x: Tensor, axis = -1, options: SortOptions = {}): Sorted {
  checkTensor('sort', 'x', x)
  checkArgument('sort', 'axis', axis, checks.integer())
  checkOptions('sort', options, optionChecks)
  return sortAlong('sort', x, axis, options.descending ?? false)
}

/**
 * Returns the `k` largest numbers along an axis, the largest first, with their indices: shapes are those of
 * `x` with `k` in place of that axis.
 *
 * NaN counts as larger than any number; of equal numbers the first come first. Gradients flow to `x` through
 * the values. All numbers are sorted, whatever `k` is.
 *
 * @param k An integer from 0 to the size of the axis.
 * @param axis Counted from either end. Default: the last.
 * @throws ShapeError for an axis that `x` does not have, OptionError for a `k` outside its range.
 */
export function topK(x: Tensor, k: number, axis = -1): Sorted {
  checkTensor('topK', 'x', x)
  checkArgument('topK', 'k', k, checks.integer({ from: 0 }))
  checkArgument('topK', 'axis', axis, checks.integer())
  const [at] = normalizeAxes('topK', [axis], x.shape.length) as [number]
  if (k > x.shape[at]) {
    throw new OptionError(
      `topK: got k ${k} for axis ${axis} of ${formatShape(x.shape)}; expected at most its size, ${x.shape[at]}.`,
    )
  }
  const { values, indices } = sortAlong('topK', x, at, true)
  const start = x.shape.map(() => 0)
  return {
    values: slice(values, start, x.shape.with(at, k)),
    indices: slice(indices, start, x.shape.with(at, k)),
  }
}

function sortAlong(who: string, x: Tensor, axis: number, descending: boolean): Sorted {
  const { length: rank } = x.shape
  const [at] = normalizeAxes(who, [axis], rank) as [number]
  if (at === rank - 1) return inOrder(x, descending)
  // The order of axes that swaps the axis and the last one; it is its own inverse.
  const order = x.shape.map((_, i) => i)
  const exchanged = order.with(at, rank - 1).with(rank - 1, at)
  const { values, indices } = inOrder(permute(x, exchanged), descending)
  return { values: permute(values, exchanged), indices: permute(indices, exchanged) }
}

function inOrder(x: Tensor, descending: boolean): Sorted {
  const [values, indices] = runOp('sort', [x], { descending })
  return { values, indices }
}
