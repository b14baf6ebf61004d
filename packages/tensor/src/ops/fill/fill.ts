/** Fill: a tensor of one number. */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import type { Device } from '../../device.ts'
import { checkDType, checkNumbers, type DType } from '../../dtype.ts'
import { runOp } from '../../engine.ts'
import { defineOp, movesOnly } from '../../op.ts'
import { checkShape, type Shape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export interface FillAttrs {
  readonly shape: Shape
  readonly value: number
  readonly dtype: DType
  readonly device: Device
}

export const fillOp = defineOp<FillAttrs>()({
  name: 'fill',
  takes: {},
  infer(_, { shape, value, dtype }) {
    checkNumbers('fill', [value], dtype)
    return [{ shape, dtype }]
  },
  flops: movesOnly,
})

/** Makes a tensor of `shape` whose every element is `value`. */
export function fill(device: Device, shape: Shape, value: number, dtype: DType = 'f32'): Tensor {
  checkArgument('fill', 'device', device, checks.device)
  checkShape('fill', shape)
  checkArgument('fill', 'value', value, checks.anyNumber)
  checkDType('fill', dtype)
  return runOp('fill', [], { shape, value, dtype, device })[0]
}
