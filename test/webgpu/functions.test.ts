import { describe, expect, test } from 'vitest'
import { cases, differencesInSingle } from '../functions/gold.ts'
import { withAdapter } from './adapter.ts'

await withAdapter((device, adapter) => {
  describe(`functions made of ops on WebGPU (${adapter})`, () => {
    test.each(cases)('$name: value and gradients are those of PyTorch', async (gold) => {
      expect(await differencesInSingle(gold, device)).toEqual([])
    })
  })
})
