import { type Device, matmul, OptionError, scope, tensorFrom } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { aboutWebGpu, openWebGpu, tuneWebGpu } from '@burgeon/tensor/webgpu'
import { describe, expect, test } from 'vitest'
import { withAdapter } from './adapter.ts'

await withAdapter((device, name) => {
  describe(`tuning (${name})`, () => {
    test('finds a kernel for every layout, and a device opened with it computes the same', async () => {
      const tuning = await tuneWebGpu(device, [[48, 40, 36]])
      expect(tuning.adapter).toBe((await aboutWebGpu()).adapter)
      expect(Object.keys(tuning.kernels)).toEqual(
        ['NN', 'NT', 'TN'].map((layout) => `${layout} 64×64×64 f32`),
      )
      // As a file would bring it back.
      const tuned = await openWebGpu({ tuning: JSON.parse(JSON.stringify(tuning)) })
      const product = (on: Device) =>
        scope(() => {
          const [a, b] = [
            tensorFrom([48, 36], (i) => Math.sin(i), on),
            tensorFrom([36, 40], (i) => Math.cos(i), on),
          ]
          return matmul(a, b)
        }).read()
      const [got, wanted] = [await product(tuned), await product(openWasm())]
      got.forEach((x, i) => expect(Math.abs(x - wanted[i])).toBeLessThan(1e-4))
    })

    test.each([
      [{ adapter: 'another one', kernels: {} }, 'got a tuning of another one'],
      [{ kernels: { 'NN 1×1×1 f32': 'toString' } }, 'gives products NN 1×1×1 f32 to toString'],
    ])('refuses %o', async (part, message) => {
      const { adapter } = await aboutWebGpu()
      const opened = openWebGpu({ tuning: { adapter, ...part } })
      await expect(opened).rejects.toThrow(OptionError)
      await expect(openWebGpu({ tuning: { adapter, ...part } })).rejects.toThrow(message)
    })

    test('refuses sizes and precisions that do not exist', async () => {
      await expect(tuneWebGpu(device, [[0, 1, 1]])).rejects.toThrow(
        'got sizes 0×1×1; expected positive integers',
      )
      await expect(tuneWebGpu(openWasm(), [[1, 1, 1]])).rejects.toThrow(OptionError)
      await expect(openWebGpu({ precision: 'half' as 'single' })).rejects.toThrow(
        "expected 'single' or 'mixed'",
      )
    })
  })
})
