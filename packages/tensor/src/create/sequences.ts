/** Sequences of numbers in equal steps. */
import { checkArgument, checkOptions } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { defaultDevice } from './create.ts'
import type { Device } from '../device.ts'
import type { DType } from '../dtype.ts'
import { OptionError } from '../errors.ts'
import * as e from '../expression/expression.ts'
import { elementwise } from '../ops/elementwise/elementwise.ts'
import { iota } from '../ops/iota/iota.ts'
import { scope } from '../scope.ts'
import { checkShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** Options of `arange`. */
export interface ArangeOptions {
  /** First number. Default 0. */
  readonly start?: number
  /** Step, not 0; negative to count down. Default 1. */
  readonly step?: number
  /** Element type. Default: `i32` where start, stop and step are whole, else `f32`. */
  readonly dtype?: DType
  readonly device?: Device
}

const index = e.input(0)
const counted = e.add(e.scalar(0), e.multiply(index, e.scalar(1)))
/** Below 2²⁴ every integer is exact in single precision. */
const exact = 2 ** 24

/**
 * Makes the numbers from `start` in steps of `step`, up to but without `stop`: `arange(3)` is 0, 1, 2.
 *
 * @throws OptionError for a step of 0, and for `i32` where a number is not whole or above 2²⁴ in size.
 * @example
 * ```ts
 * const odd = arange(6, { start: 1, step: 2 }) // 1, 3, 5
 * ```
 */
export function arange(stop: number, options: ArangeOptions = {}): Tensor {
  checkArgument('arange', 'stop', stop, checks.number())
  const number = checks.number()
  checkOptions('arange', options, {
    start: number,
    step: number,
    dtype: checks.dtype,
    device: checks.device,
  })
  const { start = 0, step = 1, device = defaultDevice() } = options
  const isWhole = [start, stop, step].every(Number.isInteger)
  const { dtype = isWhole ? 'i32' : 'f32' } = options
  const isTooLarge = Math.max(Math.abs(start), Math.abs(stop), Math.abs(step)) > exact
  if (step === 0 || (dtype === 'i32' && (isTooLarge || ![start, step].every(Number.isInteger)))) {
    throw new OptionError(
      `arange: got start ${start}, stop ${stop} and step ${step} for ${dtype}; expected a step that is not 0` +
        `${dtype === 'i32' ? ', and whole numbers of at most 2^24 in size' : ''}.`,
    )
  }
  const size = Math.max(0, Math.ceil((stop - start) / step))
  checkShape('arange', [size])
  return scope(() => elementwise(counted, [iota(device, size, dtype)], [start, step], dtype))
}

// Counted from the nearer end: both ends are exact.
const [first, last, step, end] = [e.scalar(0), e.scalar(1), e.scalar(2), e.scalar(3)]
const between = e.select(
  e.less(e.add(index, index), end),
  e.add(first, e.multiply(index, step)),
  e.subtract(last, e.multiply(e.subtract(end, index), step)),
)

/**
 * Makes `count` numbers in equal steps from `start` to `stop`, both included, `f32 [count]`; a single one is
 * `start`.
 */
export function linspace(
  start: number,
  stop: number,
  count: number,
  device: Device = defaultDevice(),
): Tensor {
  checkArgument('linspace', 'start', start, checks.number())
  checkArgument('linspace', 'stop', stop, checks.number())
  checkArgument('linspace', 'count', count, checks.integer({ from: 0, to: exact }))
  checkArgument('linspace', 'device', device, checks.device)
  const steps = Math.max(1, count - 1)
  const scalars = [start, stop, (stop - start) / steps, steps]
  return scope(() => elementwise(between, [iota(device, count, 'f32')], scalars))
}
