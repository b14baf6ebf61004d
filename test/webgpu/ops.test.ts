import { describe } from 'vitest'
import { testEveryOp } from '../ops/every-op.ts'
import { withAdapter } from './adapter.ts'

await withAdapter((device, adapter) => {
  describe(`on WebGPU (${adapter})`, () => {
    testEveryOp(device, { draws: 20 })
  })
})
