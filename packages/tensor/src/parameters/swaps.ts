/** Numbers of two slices that change places, so that copies of one slice differ number by number. */
import { where } from '../ops/elementwise/comparisons.ts'
import { RandomStream } from '../random/random-stream.ts'
import { sameShape, type Shape, sizeOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import type { ParameterChange, Plan, SliceSwaps } from './plan.ts'
import { takeAlong } from './resize.ts'

/**
 * Changes a tensor of a parameter as a plan says: takes slices with `resized`, and has numbers change places
 * before or afterwards. What has not all axes of the parameter has no numbers to swap.
 *
 * @param shape Of the parameter after the change.
 */
export function swapping(
  x: Tensor,
  { key }: Plan,
  { path, swaps, dimensions }: ParameterChange & { kind: 'resize' },
  shape: Shape,
  resized: (x: Tensor) => Tensor,
): Tensor {
  if (swaps === undefined) return resized(x)
  if (swaps.before) {
    const from = dimensions.map((map) => map.from)
    return resized(sameShape(x.shape, from) ? swapped(x, swaps, key, path) : x)
  }
  const result = resized(x)
  return sameShape(result.shape, shape) ? swapped(result, swaps, key, path) : result
}

/** Twice the same is nothing. */
function swapped(x: Tensor, { axis, pairs }: SliceSwaps, key: Plan['key'], path: string): Tensor {
  const { shape, device } = x
  const partner = Array.from({ length: shape[axis] }, (_, i) => i)
  for (const [one, other] of pairs) [partner[one], partner[other]] = [other, one]
  const inner = sizeOf(shape.slice(axis + 1))
  const outer = sizeOf(shape.slice(0, axis))
  const random = new RandomStream(key).named(path).named('swaps')
  const change = new Float32Array(x.size)
  for (const pair of pairs) {
    for (let i = 0; i < outer * inner; i++) {
      const chosen = random.below(2)
      const start = Math.floor(i / inner) * shape[axis] * inner + (i % inner)
      for (const slice of pair) change[start + slice * inner] = chosen
    }
  }
  const mask = device.tensor(change, { shape, dtype: 'f32' }, 'swaps')
  return where(mask, takeAlong(x, axis, partner), x)
}
