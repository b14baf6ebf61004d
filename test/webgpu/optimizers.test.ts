/** Optimizers made of several ops take the same steps on a GPU as on the CPU, also after growth. */
import {
  adafactor,
  adamw,
  applyUpdates,
  byPath,
  chain,
  type GradientTransform,
  lion,
  movingAverage,
  muon,
} from '@burgeon/autograd/optim'
import {
  applyPlan,
  type Device,
  extendAxis,
  ParameterStore,
  type Plan,
  scope,
  keepAxis,
} from '@burgeon/tensor'
import { largestDifference } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { withAdapter } from './adapter.ts'

const fresh = { kind: 'normal', standardDeviation: 0.5 } as const
const wider: Plan = {
  summary: 'wider both ways',
  key: [1, 2],
  changes: [{ kind: 'resize', path: 'w', dimensions: [extendAxis(5, 7), keepAxis(6)], fresh }],
}
const longer: Plan = {
  summary: 'longer',
  key: [3, 4],
  changes: [{ kind: 'resize', path: 'w', dimensions: [keepAxis(7), extendAxis(6, 8)], fresh }],
}

/** The weights after twelve steps, and their averages. */
async function afterGrowth(device: Device, make: () => GradientTransform): Promise<number[]> {
  const average = movingAverage(0.9)
  const optimizer = chain(make(), average)
  const store = new ParameterStore()
  const wave = (count: number, phase: number): number[] =>
    Array.from({ length: count }, (_, i) => Math.sin(phase + 1.7 * i))
  scope(() =>
    store.add('w', ['embed', 'mlpHidden'], device.tensor(wave(30, 0), { shape: [5, 6], dtype: 'f32' })),
  )
  for (let step = 0; step < 12; step++) {
    if (step === 4) applyPlan(wider, store, optimizer.mirrors, device)
    if (step === 7) applyPlan(longer, store, optimizer.mirrors, device)
    scope(() => {
      const parameters = store.tensors()
      // One step is skipped, on the CPU only because it is told so.
      const numbers = wave(parameters['w'].size, 3 * step).map((x) => (step === 9 ? Number.NaN : x))
      const gradients = { w: device.tensor(numbers, parameters['w']) }
      const told = device.readsAtOnce ? ({ nonFinite: 'skip' } as const) : {}
      applyUpdates(parameters, optimizer.transform(gradients, { parameters, step, ...told }))
    })
  }
  expect(await optimizer.skipped?.()).toBe(device.readsAtOnce ? 0 : 1)
  const ends = [store.get('w').tensor, average.tensors(store.tensors())['w']]
  const numbers = (await Promise.all(ends.map((tensor) => tensor.read()))).flatMap((data) => [...data])
  store.dispose()
  for (const mirror of optimizer.mirrors) mirror.dispose?.()
  return numbers
}

const family: Readonly<Record<string, () => GradientTransform>> = {
  adamw: () => adamw({ learningRate: 0.05, weightDecay: 0.1, warmUp: 3 }),
  lion: () => lion({ learningRate: 0.05, warmUp: 3 }),
  muon: () => muon({ learningRate: 0.05, weightDecay: 0.1 }),
  adafactor: () => adafactor({ learningRate: 0.05, weightDecay: 0.1 }),
}

await withAdapter((device, adapter) => {
  describe(`optimizers on WebGPU (${adapter})`, () => {
    test.each(Object.entries(family))('%s', async (_, make) => {
      const [here, there] = [await afterGrowth(openWasm(), make), await afterGrowth(device, make)]
      expect(here.every(Number.isFinite)).toBe(true)
      expect(largestDifference(there, here)).toBeLessThan(1e-4)
    })

    test.each([Number.NaN, Infinity, 1e38])(
      'a gradient of %d is skipped and counted, and no buffer stays',
      async (bad) => {
        const { buffers } = device.memory
        const parts = { some: adamw({ learningRate: 0.1 }), others: muon({ learningRate: 0.1 }) }
        const optimizer = chain(
          byPath((path) => (path === 'a' ? 'some' : 'others'), parts),
          movingAverage(0.9),
        )
        const store = new ParameterStore()
        const of = (...numbers: number[]) => device.tensor(numbers, { shape: [1, 2], dtype: 'f32' })
        scope(() => {
          for (const path of ['a', 'b']) store.add(path, ['embed', 'embed'], of(1, 2))
        })
        const step = (at: number, a: number, b: number): void =>
          scope(() => {
            const parameters = store.tensors()
            const gradients = { a: of(a, a), b: of(b, b) }
            applyUpdates(parameters, optimizer.transform(gradients, { parameters, step: at }))
          })
        const weights = async (): Promise<number[]> => {
          const read = await Promise.all([...store].map(({ tensor }) => tensor.read()))
          return read.flatMap((data) => [...data])
        }
        step(0, 1, 1)
        const before = await weights()
        for (let at = 1; at < 4; at++) step(at, bad, bad)
        expect(await weights()).toEqual(before)
        // Three steps of each.
        expect(await optimizer.skipped?.()).toBe(6)
        step(4, bad, 1)
        step(5, 1, 1)
        expect(await optimizer.skipped?.()).toBe(7)
        const after = await weights()
        expect(after.every((x, i) => Number.isFinite(x) && x !== before[i])).toBe(true)
        store.dispose()
        for (const mirror of optimizer.mirrors) mirror.dispose?.()
        expect(device.memory.buffers).toBe(buffers)
      },
    )
  })
})
