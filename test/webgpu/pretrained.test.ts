import { describe, expect, test } from 'vitest'
import { distances, names } from '../gold/pretrained-gold.ts'
import { withAdapter } from './adapter.ts'

await withAdapter((device, adapter) => {
  describe(`pretrained models on WebGPU (${adapter})`, () => {
    test.each(names)('%s has the logits of PyTorch, cached and uncached alike', async (name) => {
      for (const far of await distances(name, device)) expect(far).toBeLessThan(1e-4)
    })
  })
})
