/**
 * Random: Threefry-2×32 bits or uniform numbers, a pure function of (key, element index), equal on every
 * device.
 */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import type { Device } from '../../device.ts'
import { runOp } from '../../engine.ts'
import { defineOp, movesOnly } from '../../op.ts'
import type { RandomKey } from '../../random/threefry.ts'
import { checkShape, type Shape } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export interface RandomAttrs {
  readonly key: RandomKey
  readonly shape: Shape
  /** `bits`: 32 random bits as i32. `uniform`: f32 in [0, 1), `(bits >>> 8) · 2⁻²⁴`. */
  readonly distribution: 'bits' | 'uniform'
  readonly device: Device
}

export const randomOp = defineOp<RandomAttrs>()({
  name: 'random',
  takes: {},
  infer: (_, { shape, distribution }) => [{ shape, dtype: distribution === 'bits' ? 'i32' : 'f32' }],
  flops: movesOnly,
})

/** Makes 32 random bits per element, as i32. */
export function randomBits(device: Device, key: RandomKey, shape: Shape): Tensor {
  checkArgument('randomBits', 'device', device, checks.device)
  checkArgument('randomBits', 'key', key, checks.key)
  checkShape('randomBits', shape)
  return runOp('random', [], { key, shape, distribution: 'bits', device })[0]
}

/** Makes uniform numbers in [0, 1), multiples of 2⁻²⁴. */
export function randomUniform(device: Device, key: RandomKey, shape: Shape): Tensor {
  checkArgument('randomUniform', 'device', device, checks.device)
  checkArgument('randomUniform', 'key', key, checks.key)
  checkShape('randomUniform', shape)
  return runOp('random', [], { key, shape, distribution: 'uniform', device })[0]
}
