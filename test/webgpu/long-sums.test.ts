import { describe } from 'vitest'
import { testLongSums } from '../ops/long-sums.ts'
import { withAdapter } from './adapter.ts'

await withAdapter((device, adapter) => {
  describe(`on WebGPU (${adapter})`, () => {
    testLongSums(device, 1_000_000, 4096 + 64)
  })
})
