/** What is composed of ops, on WebGPU: masks of attention, random tensors, and how a tensor prints there. */
import { inspect } from 'node:util'
import { fill } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { testMaskedAttention } from '../ops/masked-attention.ts'
import { testRandomTensors } from '../random/random-tensors.ts'
import { withAdapter } from './adapter.ts'

await withAdapter((device, adapter) => {
  describe(`on WebGPU (${adapter})`, () => {
    testMaskedAttention(device, { runs: times(15, 40), tolerance: 1e-5 })
    testRandomTensors(device)

    test('a tensor prints that its numbers must be awaited, and stays as it is', async () => {
      const x = fill(device, [2, 3], 1)
      const text = 'tensor(numbers on the GPU: await read(), f32 [2, 3] on webgpu)'
      expect(String(x)).toBe(text)
      expect(inspect({ x })).toContain(text)
      expect([...(await x.read())]).toEqual([1, 1, 1, 1, 1, 1])
      x.dispose()
      expect(String(x)).toBe('tensor(disposed, f32 [2, 3] on webgpu)')
    })
  })
})
