import { adamw, chain, clipByGlobalNorm, dynamicLossScale } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  everySteps,
  type GrowthPolicy,
  Learner,
  type LearnerOptions,
  onlineEwc,
  reservoirReplay,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { type Device, DeviceLostError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { openWebGpu } from '@burgeon/tensor/webgpu'
import { describe, expect, test } from 'vitest'
import { openWithBackend, withAdapter } from './adapter.ts'

const onceAtSix: GrowthPolicy<null> = {
  name: 'once, at step 6',
  initial: null,
  decide: ({ step }) => ({
    request: step === 6 ? { kind: 'widenMlp', block: 'b1', to: 40 } : null,
    reason: 'six steps have passed',
    state: null,
  }),
}

/** All that a learner is made of but its model. */
const parts = (): Omit<LearnerOptions, 'model'> => ({
  optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: 1e-3 })),
  strategy: {
    rehearsal: reservoirReplay({ capacity: 20, share: 0.5, seed: 1 }),
    penalties: [onlineEwc({ strength: 1, decay: 0.9, seed: 2 })],
    consolidateWhen: everySteps(5),
    growth: onceAtSix,
  },
  seed: 3,
})

const newLife = (device: Device, more: Partial<LearnerOptions> = {}): Learner =>
  new Learner({
    model: Gpt.create({ context: 16, embed: 16, heads: 2, layers: 2, mlpHidden: 24 }, { device, seed: 4 }),
    ...parts(),
    ...more,
  })

const textOf = (step: number): string =>
  `Step ${step}: the quick brown fox number ${step * step} jumps over lazy dogs.`

async function live(learner: Learner, from: number, to: number): Promise<number[]> {
  const losses: number[] = []
  for (let step = from; step < to; step++) losses.push((await learner.observe(textOf(step))).loss)
  return losses
}

/** What the penalty adds to the loss of one more step: more than 0 only where something was consolidated and has moved since. */
const protectedBy = async (learner: Learner): Promise<number> => {
  const { penalties } = await learner.observe(textOf(99))
  return Object.values(penalties)[0] ?? 0
}

await withAdapter((device, adapter) => {
  describe(`a life on WebGPU (${adapter})`, () => {
    test('learns, rehearses, protects and grows as on the CPU', async () => {
      const [gpu, cpu] = [newLife(device), newLife(openWasm())]
      const [got, wanted] = [await live(gpu, 0, 12), await live(cpu, 0, 12)]
      got.forEach((loss, i) => expect(Math.abs(loss - wanted[i]) / wanted[i], `step ${i}`).toBeLessThan(1e-3))
      expect(await protectedBy(gpu)).toBeGreaterThan(0)
      const growth = (learner: Learner): unknown[] =>
        learner.journal.flatMap((event) => (event.kind === 'growth' ? [event.data.record.summary] : []))
      expect(growth(gpu)).toEqual(growth(cpu))
      expect(growth(gpu)).toHaveLength(1)
    })

    test('learns signed weights of predictions as the CPU does, and those of 1 to the bit as none', async () => {
      const weighted = (step: number, weight: number): TokenBatch => {
        const batch = batchOfTokens(new TextEncoder().encode(textOf(step)), 16, 'text')
        const weights = Float32Array.from({ length: batch.rows * 16 }, (_, i) => (i % 3 === 0 ? weight : 1))
        return { ...batch, weights }
      }
      const lived = async (on: Device, weight?: number): Promise<number[]> => {
        const learner = newLife(on)
        const losses: number[] = []
        for (let step = 0; step < 4; step++) {
          const data = weight === undefined ? textOf(step) : weighted(step, weight)
          losses.push((await learner.observe(data)).loss)
        }
        learner.dispose()
        learner.model.dispose()
        return losses
      }
      const [got, wanted, plain] = [await lived(device, -2), await lived(openWasm(), -2), await lived(device)]
      got.forEach((loss, i) => expect(Math.abs(loss - wanted[i]) / wanted[i], `step ${i}`).toBeLessThan(1e-3))
      expect(got[3]).not.toBe(plain[3])
      expect(await lived(device, 1)).toEqual(plain)
    })

    test('drops a fork that has grown to the bit and to the byte, and keeps one as the same steps', async () => {
      const [learner, never] = [newLife(device), newLife(device)]
      for (const one of [learner, never]) await live(one, 0, 4)
      const [state, { bytes, buffers }] = [await learner.toState(), device.memory]
      const dropped = learner.fork({ rate: 2 })
      for (let step = 4; step < 8; step++) await dropped.observe(textOf(step))
      expect(learner.model.config).not.toEqual(state.model.config)
      await dropped.drop()
      expect(await learner.toState()).toEqual(state)
      expect(device.memory).toMatchObject({ bytes, buffers })
      const kept = learner.fork()
      for (let step = 4; step < 8; step++) await kept.observe(textOf(step))
      await kept.keep()
      await live(never, 4, 8)
      expect(await learner.toState()).toEqual(await never.toState())
    })

    test('in mixed precision learns, rehearses, protects and grows within a hundredth of the CPU', async () => {
      const mixed = await openWebGpu({ precision: 'mixed' })
      const [gpu, cpu] = [newLife(mixed, { lossScale: dynamicLossScale() }), newLife(openWasm())]
      const [got, wanted] = [await live(gpu, 0, 12), await live(cpu, 0, 12)]
      got.forEach((loss, i) => expect(Math.abs(loss - wanted[i]) / wanted[i], `step ${i}`).toBeLessThan(1e-2))
      expect(gpu.journal.map(({ kind }) => kind)).toEqual(cpu.journal.map(({ kind }) => kind))
      expect(gpu.model.config).toEqual(cpu.model.config)
      expect(await protectedBy(gpu)).toBeGreaterThan(0)
    })

    test('a lost device costs no more than the steps since the last snapshot', async () => {
      const whole = await live(newLife(device), 0, 12)
      const { device: doomed, backend } = await openWithBackend()
      const learner = newLife(doomed)
      expect(await live(learner, 0, 8)).toEqual(whole.slice(0, 8))
      const snapshot = await learner.toState()
      expect(await live(learner, 8, 10)).toEqual(whole.slice(8, 10))
      backend.device.destroy()
      await expect(live(learner, 10, 11)).rejects.toThrow(DeviceLostError)
      const { device: fresh } = await openWithBackend()
      expect(await live(Learner.fromState(snapshot, { ...parts(), device: fresh }), 8, 12)).toEqual(
        whole.slice(8),
      )
    })
  })
})
