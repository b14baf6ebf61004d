/** Finite differences in double precision: the oracle of every gradient rule. */
import { scope, type Tensor } from '@burgeon/tensor'
import { largestDifference } from '@burgeon/tensor/testing'
import { grad } from '../grad.ts'

/** What `checkGradient` found. */
export interface GradientCheck {
  /** Largest difference between the gradient and central differences; relative where they exceed 1. */
  readonly error: number
  /** Which argument it was found in. */
  readonly argument: number
}

/**
 * Compares the gradient of `f` with central differences `(f(x+h) − f(x−h))/2h`.
 *
 * @param f A smooth scalar function of tensors.
 * @param inputs f32 tensors on the reference device, where f32 is computed in double precision.
 * @param h Half the step; 1e-5 balances truncation (h²) and rounding (1e-16/h).
 */
export function checkGradient(
  f: (...x: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  h = 1e-5,
): GradientCheck {
  const slopes = grad((x: readonly Tensor[]) => f(...x))(inputs)
  const errors = inputs.map((input, k) => {
    const numbers = Float64Array.from(input.readSync())
    const at = (i: number, value: number): number =>
      scope(() => {
        const moved = numbers.slice()
        moved[i] = value
        const replaced = input.device.tensor(moved, input)
        return f(...inputs.map((x, j) => (j === k ? replaced : x))).item()
      })
    const expected = numbers.map((x, i) => (at(i, x + h) - at(i, x - h)) / (2 * h))
    return largestDifference(slopes[k].readSync(), expected)
  })
  const error = Math.max(0, ...errors)
  for (const slope of slopes) slope.dispose()
  return { error, argument: errors.indexOf(error) }
}
