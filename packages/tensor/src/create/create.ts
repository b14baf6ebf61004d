/** Tensors from plain numbers, on a device of the caller's choice or the default one. */
import { openWasm } from '../backends/wasm/index.ts'
import { checkArgument, checkOptions } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import type { Check } from '../checks/checks.ts'
import { Device } from '../device.ts'
import { checkNumbers, type DType } from '../dtype.ts'
import { flattenNested, type NestedNumbers } from './nested-numbers.ts'
import { checkShape, type Shape, sizeOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { fill } from '../ops/fill/fill.ts'

let fallback: Device | undefined

/**
 * Returns the device that creation functions use when none is named: WebAssembly, opened at the first call.
 */
export function defaultDevice(): Device {
  fallback ??= openWasm()
  return fallback
}

/** Makes another device the default, and returns it. */
export function setDefaultDevice(device: Device): Device {
  checkArgument('setDefaultDevice', 'device', device, checks.instance('a device', Device))
  fallback = device
  return device
}

/** Accepts anything: the device checks it, whichever function calls it. */
const ofDevices: Check<never> = { expected: 'anything', accepts: (_): _ is never => true }

/** Shape, element type and device of a new tensor. */
export interface TensorOptions {
  /** Shape. Default: that of the nested arrays; a flat array has one axis. */
  readonly shape?: Shape
  /** Element type. Default: `i32` if the numbers came in an Int32Array (or several), else `f32`. */
  readonly dtype?: DType
  readonly device?: Device
}

/**
 * Makes a tensor from numbers: in nested arrays, whose depth is its rank, or flat in row-major order with a
 * shape.
 *
 * @throws ShapeError if their count does not fit the shape or nested arrays differ in length; OptionError for
 *   elements that are not numbers, for `i32` also for numbers that are not integers in [−2³¹, 2³²), and for
 *   an unknown element type.
 * @example
 * ```ts
 * const x = tensor([[1, 2], [3, 4]]) // or tensor([1, 2, 3, 4], { shape: [2, 2] })
 * ```
 */
export function tensor(data: NestedNumbers, options: TensorOptions = {}): Tensor {
  checkOptions('tensor', options, {
    shape: ofDevices,
    dtype: ofDevices,
    device: checks.instance('a device', Device),
  })
  const flat = flattenNested('tensor', data)
  const { shape = flat.shape, dtype = flat.isInt32 ? 'i32' : 'f32', device = defaultDevice() } = options
  return device.tensor(flat.numbers, { shape, dtype })
}

/** Makes zeros of a shape. */
export function zeros(shape: Shape, device: Device = defaultDevice()): Tensor {
  return fill(device, shape, 0)
}

/** Makes ones of a shape. */
export function ones(shape: Shape, device: Device = defaultDevice()): Tensor {
  return fill(device, shape, 1)
}

/**
 * Makes a tensor of the numbers that `make` returns for each position in row-major order.
 *
 * @throws OptionError if `make` returns anything but a number.
 */
export function tensorFrom(
  shape: Shape,
  make: (index: number) => number,
  device: Device = defaultDevice(),
): Tensor {
  checkArgument('tensorFrom', 'make', make, checks.callback())
  checkArgument('tensorFrom', 'device', device, checks.instance('a device', Device))
  checkShape('tensorFrom', shape)
  const numbers = Array.from({ length: sizeOf(shape) }, (_, i) => make(i))
  checkNumbers('tensorFrom', numbers, 'f32', ' of what make returned')
  return device.tensor(numbers, { shape, dtype: 'f32' }, 'tensorFrom')
}
