/**
 * Functions that join several tensors into one, and split one into several. Element types stay as they are.
 */
import { checkArgument } from '../checks/check-options.ts'
import { checkAxis } from '../checks/check-axis.ts'
import { checkTensor } from '../checks/check-tensor.ts'
import * as checks from '../checks/checks.ts'
import { ShapeError } from '../errors.ts'
import { concatenate } from '../ops/concatenate/concatenate.ts'
import { slice } from '../ops/slice/slice.ts'
import { scope } from '../scope.ts'
import { formatShape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { expandDims } from './axes.ts'

/**
 * Stacks tensors of one shape along a new axis, which will be number `axis` of the result: two of `[3]`
 * become `[2, 3]`.
 *
 * @throws ShapeError unless there is at least one and all have one shape and element type.
 */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  checkArgument('stack', 'tensors', tensors, checks.tensors)
  const [first] = tensors
  if (first === undefined) throw new ShapeError('stack: got no tensor; expected at least one.')
  if (!tensors.every(({ shape, dtype }) => dtype === first.dtype && sameShape(shape, first.shape))) {
    throw new ShapeError(
      `stack: got ${tensors.map((x) => `${x.dtype}${formatShape(x.shape)}`).join(', ')}; ` +
        'expected tensors of one shape and element type.',
    )
  }
  const at = checkAxis('stack', axis, first.shape.length + 1)
  return scope(() =>
    concatenate(
      tensors.map((x) => expandDims(x, at)),
      at,
    ),
  )
}

/**
 * Splits a tensor along `axis` into parts.
 *
 * @param parts The number of parts of equal size; or the size of each, which must add up to that of the axis.
 * @throws ShapeError if they do not.
 * @example
 * ```ts
 * const [first, rest] = split(tensor([1, 2, 3]), [1, 2])
 * ```
 */
export function split(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  checkTensor('split', 'x', x)
  const aSize = checks.integer({ from: 0 })
  checkArgument(
    'split',
    'parts',
    parts,
    checks.either(checks.integer({ from: 1 }), checks.list('a list of sizes', aSize)),
  )
  const at = checkAxis('split', axis, x.shape.length)
  const sizes = typeof parts === 'number' ? new Array<number>(parts).fill(x.shape[at] / parts) : parts
  if (sizes.reduce((all, n) => all + n, 0) !== x.shape[at] || !sizes.every(Number.isInteger)) {
    throw new ShapeError(
      `split: got ${typeof parts === 'number' ? `${parts} equal parts` : `parts ${formatShape(parts)}`} ` +
        `of axis ${at} of ${formatShape(x.shape)}; expected sizes that add up to ${x.shape[at]}.`,
    )
  }
  let end = 0
  return sizes.map((size) => {
    const start = end
    end += size
    return slice(
      x,
      x.shape.map((_, i) => (i === at ? start : 0)),
      x.shape.map((n, i) => (i === at ? end : n)),
    )
  })
}
