// Reaches inside: a device with its backend at hand, to count what steps make.
import { valueAndGrad } from '@burgeon/autograd'
import { adamw, applyUpdates, chain, clipByGlobalNorm, dynamicLossScale } from '@burgeon/autograd/optim'
import { Gpt, type GptSizes } from '@burgeon/gpt'
import {
  crossEntropy,
  type Device,
  DeviceLostError,
  mean,
  ones,
  scope,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { openWebGpu } from '@burgeon/tensor/webgpu'
import { describe, expect, test } from 'vitest'
import { openWithBackend, withAdapter } from './adapter.ts'
import { times } from '../how-long.ts'

const usualSizes = { vocabulary: 31, context: 16, embed: 32, heads: 4, layers: 2, norm: 'layer' } as const
const batch = 4

/** A training that is taken step by step; each returns its loss. */
function training(
  device: Device,
  initialScale = 1,
  sizes: GptSizes = usualSizes,
): { step(): Promise<number>; dispose(): void } {
  const model = Gpt.create(sizes, { device, seed: 5 })
  const lossScale = dynamicLossScale({ initial: initialScale })
  const optimizer = chain(lossScale, clipByGlobalNorm(1), adamw({ learningRate: 1e-3, weightDecay: 0.1 }))
  let done = 0
  return {
    async step() {
      const loss = scope(() => {
        const ids = Int32Array.from({ length: batch * sizes.context + 1 }, (_, i) => (i * i + done * 7) % 31)
        const tokens = device.tensor(ids.subarray(0, -1), { shape: [batch, sizes.context], dtype: 'i32' })
        const targets = device.tensor(ids.subarray(1), { shape: [batch * sizes.context], dtype: 'i32' })
        const parameters = model.parameters.tensors()
        const { gradient, aux } = valueAndGrad((w: TensorsByPath) => {
          const mine = mean(crossEntropy(model.forward(tokens, w), targets))
          return [lossScale.scaled(mine), mine] as const
        })(parameters)
        applyUpdates(parameters, optimizer.transform(gradient, { parameters, step: done }))
        return aux
      })
      done++
      const [number] = await loss.read()
      loss.dispose()
      return number
    },
    dispose() {
      model.dispose()
      lossScale.dispose()
    },
  }
}

await withAdapter((device, adapter) => {
  describe(`training on WebGPU (${adapter})`, () => {
    test('gives the losses of the CPU to a thousandth over fifty steps', async () => {
      const [gpu, cpu] = [training(device), training(openWasm())]
      for (let i = 0; i < 50; i++) {
        const [got, wanted] = [await gpu.step(), await cpu.step()]
        expect(Math.abs(got - wanted) / wanted, `step ${i}`).toBeLessThan(1e-3)
      }
      for (const one of [gpu, cpu]) one.dispose()
    })

    test('in mixed precision follows the losses of the CPU, with gradients scaled to fit', async () => {
      const [gpu, cpu] = [training(await openWebGpu({ precision: 'mixed' }), 2 ** 16), training(openWasm())]
      for (let i = 0; i < 30; i++) {
        const [got, wanted] = [await gpu.step(), await cpu.step()]
        expect(Math.abs(got - wanted) / wanted, `step ${i}`).toBeLessThan(5e-3)
      }
      for (const one of [gpu, cpu]) one.dispose()
    })

    test('keeps its memory constant over many steps', async () => {
      const { device: own, backend } = await openWithBackend()
      const run = training(own, 1, { ...usualSizes, context: 4, embed: 8, heads: 2, layers: 1 })
      for (let i = 0; i < 3; i++) await run.step()
      const { memory } = own
      const { buffers, bindGroups } = backend.counts
      for (let i = 0; i < times(100, 1000); i++) await run.step()
      expect(own.memory).toEqual(memory)
      expect(backend.counts).toMatchObject({ buffers, bindGroups })
      run.dispose()
    })

    test('makes no pipeline, buffer or bind group after the second step, and one submission for each', async () => {
      const { device: own, backend } = await openWithBackend()
      const run = training(own)
      await run.step()
      await run.step()
      await run.step()
      const before = backend.counts
      const { buffers, bytes } = own.memory
      for (let i = 0; i < 20; i++) await run.step()
      const after = backend.counts
      expect(after).toMatchObject({ pipelines: before.pipelines, buffers: before.buffers })
      expect(after.bindGroups).toBe(before.bindGroups)
      expect(after.submissions - before.submissions).toBe(20)
      expect(own.memory).toMatchObject({ buffers, bytes })
      run.dispose()
    })

    test('a lost device throws a typed error, and the next one works', async () => {
      const { device: own, backend } = await openWithBackend()
      const x = ones([3], own)
      backend.device.destroy()
      await backend.device.lost
      await expect(x.read()).rejects.toThrow(DeviceLostError)
      expect(() => ones([3], own)).toThrow(DeviceLostError)
      expect([...(await ones([3], device).read())]).toEqual([1, 1, 1])
    })
  })
})
