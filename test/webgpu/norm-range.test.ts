import { describe } from 'vitest'
import { testNormRange } from '../ops/norm-range.ts'
import { withAdapter } from './adapter.ts'

await withAdapter((device, adapter) => {
  describe(`on WebGPU (${adapter})`, () => {
    testNormRange(device, { keepsSubnormals: false })
  })
})
