import { openWebGpu } from '@burgeon/tensor/webgpu'
import { describe } from 'vitest'
import { allOps, halfOps, testEveryOp } from '../ops/every-op.ts'
import { withAdapter } from './adapter.ts'
import { shortOrLong, times } from '../how-long.ts'

await withAdapter(async (device, adapter) => {
  describe(`on WebGPU (${adapter})`, () => {
    testEveryOp(device, { draws: times(8, 20) })
  })
  const mixed = await openWebGpu({ precision: 'mixed' })
  describe(`on WebGPU in mixed precision (${adapter})`, () => {
    // The others compute as in single precision.
    testEveryOp(mixed, { draws: times(8, 20), precision: 'mixed', ops: shortOrLong([...halfOps], allOps) })
  })
})
