/** A model with a patch front is refused where its rows cannot be looked at, and nothing of it has changed. */
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { UnsupportedError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { someSenses, tinyModel, tinySizes } from '../senses/tiny-senses.ts'
import { openReference } from '@burgeon/tensor/reference'
import { withAdapter } from './adapter.ts'

await withAdapter((device, adapter) => {
  describe(`senses on WebGPU (${adapter})`, () => {
    test('are not grown, and a model that has them is not read', async () => {
      const model = Gpt.create(tinySizes, { device, seed: 1 })
      await expect(grow(model, someSenses[0], { mirrors: [], key: [1, 1] })).rejects.toThrow('patch front')
      expect(model.config.patches).toBe(undefined)
      expect(model.parameters.has('embed.patch.weight')).toBe(false)
      const loaded = Gpt.fromState(await (await tinyModel(openReference())).toState(), device)
      const tokens = device.tensor([1, 2], { shape: [1, 2], dtype: 'i32' })
      expect(() => loaded.forward(tokens)).toThrow(UnsupportedError)
      expect(() => loaded.forward(tokens)).toThrow('expected a device on the CPU')
    })
  })
})
