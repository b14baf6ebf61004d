/** Random numbers of the normal distribution: a function of (key, element index), on every device. */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import type { Device } from '../../device.ts'
import * as e from '../../expression/expression.ts'
import { type RandomKey, splitKey } from '../../random/threefry.ts'
import { scope } from '../../scope.ts'
import { checkShape, type Shape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { elementwise } from '../elementwise/elementwise.ts'
import { randomUniform } from './random.ts'

const { add, constant, cos, input, less, log, multiply, select, sqrt, subtract } = e

/**
 * Below this, 24 bits of a uniform number are too coarse for the tail of its logarithm, and 24 more follow
 * them.
 */
const tail = constant(2 ** -10)
const finer = add(input(0), multiply(add(input(1), constant(2 ** -25)), constant(2 ** -24)))
const uniform = select(less(input(0), tail), finer, input(0))
// √(−2 ln u) · cos(2πv); the angle is taken from −π to π, where single precision is finest.
const normal = multiply(
  sqrt(multiply(constant(-2), log(uniform))),
  cos(multiply(constant(2 * Math.PI), subtract(input(2), constant(0.5)))),
)

/**
 * Random numbers of the normal distribution with mean 0 and deviation 1, as `f32`. The same key gives the
 * same numbers: on every device to 4·10⁻⁶, and to the bit on the same one.
 *
 * They are made by the transform of Box and Muller (1958) from uniform numbers of 24 bits, and of 48 where
 * they are small: the largest possible number is 8.2, which is right for a tail of one in 10¹⁵.
 *
 * @throws OptionError for an invalid device or key, ShapeError for an invalid shape.
 * @example
 * ```ts
 * const weights = multiply(randomNormal(defaultDevice(), keyFromSeed(1), [64, 64]), 0.02)
 * ```
 */
export function randomNormal(device: Device, key: RandomKey, shape: Shape): Tensor {
  checkArgument('randomNormal', 'device', device, checks.device)
  checkArgument('randomNormal', 'key', key, checks.key)
  checkShape('randomNormal', shape)
  return scope(() => {
    const drawn = splitKey(key, 3).map((own) => randomUniform(device, own, shape))
    return elementwise(normal, drawn)
  })
}
