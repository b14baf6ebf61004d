/** Tensors of one number. */
import { checkArgument, checkOptions } from '../checks/check-options.ts'
import { checkTensor } from '../checks/check-tensor.ts'
import * as checks from '../checks/checks.ts'
import type { Check } from '../checks/checks.ts'
import { defaultDevice } from './create.ts'
import type { Device } from '../device.ts'
import type { DType } from '../dtype.ts'
import { fill } from '../ops/fill/fill.ts'
import { checkShape, type Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** Element type and device of a new tensor. */
export interface FullOptions {
  /** Element type. Default `f32`. */
  readonly dtype?: DType
  readonly device?: Device
}

/** The values that a tensor of each type may hold. */
const values: Record<DType, Check<number>> = {
  f32: checks.anyNumber,
  i32: checks.integer({ from: -(2 ** 31), to: 2 ** 32 - 1 }),
}

/** Makes a tensor of `shape` whose every element is `value`; `fill` with the default device and type. */
export function full(shape: Shape, value: number, options: FullOptions = {}): Tensor {
  checkShape('full', shape)
  checkOptions('full', options, { dtype: checks.dtype, device: checks.device })
  const { dtype = 'f32', device = defaultDevice() } = options
  checkArgument('full', 'value', value, values[dtype])
  return fill(device, shape, value, dtype)
}

/** Makes a tensor full of `value`, of x's shape, element type and device. */
export function fullLike(x: Tensor, value: number): Tensor {
  checkTensor('fullLike', 'x', x)
  checkArgument('fullLike', 'value', value, values[x.dtype])
  return fill(x.device, x.shape, value, x.dtype)
}

/** Makes zeros of x's shape, element type and device. */
export function zerosLike(x: Tensor): Tensor {
  checkTensor('zerosLike', 'x', x)
  return fill(x.device, x.shape, 0, x.dtype)
}

/** Makes ones of x's shape, element type and device. */
export function onesLike(x: Tensor): Tensor {
  checkTensor('onesLike', 'x', x)
  return fill(x.device, x.shape, 1, x.dtype)
}
