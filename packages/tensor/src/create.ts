/** Tensors from plain numbers, on a device of the caller's choice or the default one. */
import { openWasm } from './backends/wasm/index.ts'
import type { Device } from './device.ts'
import type { DType } from './dtype.ts'
import { type Shape, sizeOf } from './shape.ts'
import type { Tensor } from './tensor.ts'
import { fill } from './ops/fill/fill.ts'

let fallback: Device | undefined

/** The device that creation functions use when none is named: WebAssembly, opened at the first call. */
export function defaultDevice(): Device {
  fallback ??= openWasm()
  return fallback
}

/** Makes another device the default, and answers it. */
export function setDefaultDevice(device: Device): Device {
  fallback = device
  return device
}

/** Shape, element type and place of a new tensor. */
export interface TensorOptions {
  /** One axis of all numbers unless given. */
  readonly shape?: Shape
  /** `i32` if the numbers came as an Int32Array, else `f32`, unless given. */
  readonly dtype?: DType
  readonly device?: Device
}

/**
 * A tensor from numbers in row-major order.
 *
 * @throws ShapeError if their count does not fit the shape.
 * @example
 * ```ts
 * const x = tensor([1, 2, 3, 4], { shape: [2, 2] })
 * ```
 */
export function tensor(data: ArrayLike<number>, options: TensorOptions = {}): Tensor {
  const {
    shape = [data.length],
    dtype = data instanceof Int32Array ? 'i32' : 'f32',
    device = defaultDevice(),
  } = options
  return device.tensor(data, { shape, dtype })
}

/** Zeros of a shape. */
export function zeros(shape: Shape, device: Device = defaultDevice()): Tensor {
  return fill(device, shape, 0)
}

/** Ones of a shape. */
export function ones(shape: Shape, device: Device = defaultDevice()): Tensor {
  return fill(device, shape, 1)
}

/** A tensor that holds what `make` answers for each position in row-major order. */
export function tensorFrom(
  shape: Shape,
  make: (index: number) => number,
  device: Device = defaultDevice(),
): Tensor {
  return device.tensor(
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => make(i)),
    { shape, dtype: 'f32' },
  )
}
