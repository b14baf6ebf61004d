/** Iota: 0, 1, 2, … */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import type { Device } from '../../device.ts'
import { checkDType, type DType } from '../../dtype.ts'
import { runOp } from '../../engine.ts'
import { defineOp, movesOnly } from '../../op.ts'
import type { Tensor } from '../../tensor.ts'

export interface IotaAttrs {
  readonly size: number
  readonly dtype: DType
  readonly device: Device
}

export const iotaOp = defineOp<IotaAttrs>()({
  name: 'iota',
  takes: {},
  infer: (_, { size, dtype }) => [{ shape: [size], dtype }],
  flops: movesOnly,
})

/** The numbers from 0 to `size − 1`, `[size]`. */
export function iota(device: Device, size: number, dtype: DType = 'i32'): Tensor {
  checkArgument('iota', 'device', device, checks.device)
  checkArgument('iota', 'size', size, checks.anyNumber)
  checkDType('iota', dtype)
  return runOp('iota', [], { size, dtype, device })[0]
}
