/** Finite differences in double precision: the oracle of every gradient rule. */
import {
  type Check,
  checkArgument,
  checkOptions,
  checks,
  keyFromSeed,
  OptionError,
  RandomStream,
  scope,
  type Tensor,
} from '@burgeon/tensor'
import { largestDifference } from '@burgeon/tensor/testing'
import { grad } from '../grad.ts'
import { hvp } from '../products.ts'

/** The result of `checkGradient`. */
export interface GradientCheck {
  /** Largest difference between the gradients and central differences; relative where they exceed 1. */
  readonly error: number
  /** The index of the argument that it was found in. */
  readonly argument: number
}

/** Options of `checkGradient`. */
export interface GradientCheckOptions {
  /**
   * 1 compares the gradient with differences of the function, 2 the Hessian with differences of the gradient.
   * Default 1.
   */
  readonly order?: 1 | 2
  /** h, half the step; > 0. Default 1e-5, which balances truncation (h²) and rounding (1e-16/h). */
  readonly step?: number
}

/** The message about a wrong order names the possible ones, together with the step. */
const anyNumber = checks.anyNumber as Check<1 | 2>

/**
 * Compares gradients of `f` with central differences: its gradient, number by number, with `(f(x+h) −
 * f(x−h))/2h`; or to second order the product of its Hessian with a vector v of Gaussian numbers, always the
 * same, with `(∇f(x+hv) − ∇f(x−hv))/2h`.
 *
 * @param f A smooth scalar function of tensors.
 * @param inputs f32 tensors on the reference device, where f32 is computed in double precision.
 * @throws OptionError for another order or a step that is not positive.
 * @example
 * ```ts
 * const { error } = checkGradient((y) => sum(multiply(y, y)), [x], { order: 2 })
 * assert(error < 1e-6)
 * ```
 */
export function checkGradient(
  f: (...x: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradientCheckOptions = {},
): GradientCheck {
  checkArgument('checkGradient', 'f', f, checks.callback())
  checkArgument('checkGradient', 'inputs', inputs, checks.tensors)
  checkOptions('checkGradient', options, { order: anyNumber, step: checks.anyNumber })
  const { order = 1, step = 1e-5 } = options
  if (!((order === 1 || order === 2) && step > 0)) {
    throw new OptionError(
      `checkGradient: got order ${order} and step ${step}; expected order 1 or 2 and step > 0.`,
    )
  }
  const listed = (x: readonly Tensor[]): Tensor => f(...x)
  const errors = scope(() =>
    order === 1 ? firstOrder(listed, inputs, step) : secondOrder(listed, inputs, step),
  )
  const error = Math.max(0, ...errors)
  return { error, argument: errors.indexOf(error) }
}

type Listed = (x: readonly Tensor[]) => Tensor

const numbersOf = (x: Tensor): Float64Array => Float64Array.from(x.readSync())

function firstOrder(f: Listed, inputs: readonly Tensor[], step: number): number[] {
  const gradients = grad(f)(inputs)
  return inputs.map((input, k) => {
    const numbers = numbersOf(input)
    const at = (i: number, value: number): number =>
      scope(() => f(inputs.with(k, input.device.tensor(numbers.with(i, value), input))).item())
    const expected = numbers.map((x, i) => (at(i, x + step) - at(i, x - step)) / (2 * step))
    return largestDifference(gradients[k].readSync(), expected)
  })
}

function secondOrder(f: Listed, inputs: readonly Tensor[], step: number): number[] {
  const random = new RandomStream(keyFromSeed(0))
  const directions = inputs.map((x) => Float64Array.from({ length: x.size }, () => random.normal()))
  const moveInputs = (by: number): Tensor[] =>
    inputs.map((x, k) =>
      x.device.tensor(
        numbersOf(x).map((value, i) => value + by * directions[k][i]),
        x,
      ),
    )
  const vector = inputs.map((x, k) => x.device.tensor(directions[k], x))
  const products = hvp<readonly Tensor[]>(f)(inputs, vector)
  const [above, below] = [grad(f)(moveInputs(step)), grad(f)(moveInputs(-step))]
  return products.map((product, k) => {
    const high = numbersOf(above[k])
    const low = numbersOf(below[k])
    return largestDifference(
      product.readSync(),
      high.map((gradient, i) => (gradient - low[i]) / (2 * step)),
    )
  })
}
