/** Gradients of a number by many numbers, the slow and certain way. */
import type { Tensor, TensorsByPath } from '@burgeon/tensor'
import { scope } from '@burgeon/tensor'

/**
 * (f(w + h) − f(w − h))/2h by every number of every tensor.
 *
 * @param weights Tensors of the reference device, which computes in double precision.
 */
export function centralDifferences(
  f: (weights: TensorsByPath) => Tensor,
  weights: TensorsByPath,
  h = 1e-5,
): Record<string, number[]> {
  const gradients = Object.entries(weights).map(([path, weight]) => {
    const numbers = Float64Array.from(weight.readSync())
    const at = (i: number, value: number): number =>
      scope(() => {
        const moved = numbers.slice()
        moved[i] = value
        return f({ ...weights, [path]: weight.device.tensor(moved, weight) }).item()
      })
    return [path, Array.from(numbers, (x, i) => (at(i, x + h) - at(i, x - h)) / (2 * h))] as const
  })
  return Object.fromEntries(gradients)
}

/** The largest difference between tensors and numbers of the same paths. */
export function furthest(got: TensorsByPath, wanted: Readonly<Record<string, readonly number[]>>): number {
  const differences = Object.entries(wanted).flatMap(([path, numbers]) => {
    const found = got[path].readSync()
    return numbers.map((number, i) => Math.abs(number - found[i]))
  })
  return Math.max(...differences)
}
