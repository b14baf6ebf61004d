import { openWebGpu } from '@burgeon/tensor/webgpu'
import { describe } from 'vitest'
import { testEveryOp } from '../ops/every-op.ts'
import { withAdapter } from './adapter.ts'

await withAdapter(async (device, adapter) => {
  describe(`on WebGPU (${adapter})`, () => {
    testEveryOp(device, { draws: 20 })
  })
  const mixed = await openWebGpu({ precision: 'mixed' })
  describe(`on WebGPU in mixed precision (${adapter})`, () => {
    testEveryOp(mixed, { draws: 20, precision: 'mixed' })
  })
})
