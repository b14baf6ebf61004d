/**
 * Dropout (Srivastava et al. 2014): sets numbers to 0 at random and scales the others up, so that the mean
 * stays.
 */
import * as checks from '../../checks/checks.ts'
import { checkOptions, type ChecksOf } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import * as e from '../../expression/expression.ts'
import type { RandomKey } from '../../random/threefry.ts'
import type { Tensor } from '../../tensor.ts'
import { elementwise } from '../elementwise/elementwise.ts'
import { reshape } from '../reshape/reshape.ts'
import { randomUniform } from './random.ts'

const { constant, input, less, multiply, scalar, select } = e

// inputs: x, a uniform number; scalars: the limit below which it is dropped, the factor of the others
const kept = select(less(input(1), scalar(0)), constant(0), multiply(input(0), scalar(1)))

/** Options of `dropout`. */
export interface DropoutOptions {
  /** Probability of each number to become 0, in [0, 1); it is rounded up to a multiple of 2⁻²⁴. */
  readonly rate: number
  /**
   * Key that decides which numbers are dropped. Give each call and each step a key of its own: `foldIn(key,
   * step)`.
   */
  readonly key: RandomKey
}

const optionChecks: ChecksOf<DropoutOptions> = {
  rate: checks.required(checks.number({ from: 0, below: 1 })),
  key: checks.required(checks.key),
}

/**
 * Sets each number to 0 with probability `rate`, and multiplies the others by 1/(1 − rate) (Srivastava et al.
 * 2014, section 10), for training; leave the call out when predicting. Shape as `x`, `f32`.
 *
 * The same key drops the same places on every device. Gradients flow through the numbers that were kept, by
 * the same mask. A NaN that is dropped becomes 0.
 *
 * @throws OptionError for a rate outside [0, 1), an invalid key, and an option that does not exist.
 */
export function dropout(x: Tensor, options: DropoutOptions): Tensor {
  checkTensor('dropout', 'x', x)
  checkOptions('dropout', options, optionChecks)
  const { rate, key } = options
  if (rate === 0) return reshape(x, x.shape)
  // A multiple of 2⁻²⁴, as uniform numbers are, so that no device rounds it to the other side of one of them.
  const dropped = Math.ceil(rate * 2 ** 24) * 2 ** -24
  return elementwise(kept, [x, randomUniform(x.device, key, x.shape)], [dropped, 1 / (1 - rate)])
}
