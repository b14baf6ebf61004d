import { adamw, applyUpdates, valueAndGrad } from '@burgeon/autograd'
import { batchOfTokens, measureBlocks } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { grow, type GrowthRecord, ungrow } from '@burgeon/gpt/growth'
import { mean, plainTensors, reshape, scope, type TensorMirror, type TensorsByPath } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import {
  drawConfig,
  drawFrom,
  drawRequest,
  isTensorMirror,
  modelOf,
  tokensFor,
} from '../growth/tiny-model.ts'
import { withAdapter } from './adapter.ts'

const reference = openReference()

/** Every number of a model and its mirrors. */
async function everything(model: Gpt, mirrors: readonly TensorMirror[]): Promise<unknown> {
  const weights = await plainTensors(model.parameters.tensors())
  const others = await Promise.all(mirrors.map((mirror) => mirror.toState()))
  return { config: model.config, weights, others }
}

await withAdapter((device, adapter) => {
  describe(`growth on ${adapter}`, () => {
    test.each([1, 2, 3, 4])(
      'of every kind leaves the logits, and goes back to the byte (life %d)',
      async (seed) => {
        const random = drawFrom(seed)
        const model = modelOf(drawConfig(random), random, device)
        // Tokens are drawn for a model whose numbers can be read at once, and sent over.
        const drawn = tokensFor(modelOf(model.config, drawFrom(seed), reference), drawFrom(seed))
        using probe = device.tensor(drawn.readSync(), drawn)
        const optimizer = adamw({ learningRate: 0.01 })
        scope(() => {
          const parameters = model.parameters.tensors()
          const { gradient } = valueAndGrad((w: TensorsByPath) =>
            mean(model.losses(probe, reshape(probe, [probe.size]), w)),
          )(parameters)
          applyUpdates(parameters, optimizer.transform(gradient, { parameters, step: 0 }))
        })
        const moments = optimizer.mirrors.filter(isTensorMirror)
        const [stages, records]: [unknown[], GrowthRecord[]] = [[], []]
        for (let i = 0; i < 5; i++) {
          stages.push(await everything(model, moments))
          const request =
            i === 2
              ? ({ axis: 'vocabulary', tokens: [{ parts: [0, 1] }] } as const)
              : drawRequest(model.config, random)
          const record = await grow(model, request, { mirrors: optimizer.mirrors, probe, key: [seed, i] })
          expect(record.logitsMoved).toBeLessThanOrEqual(1e-5)
          records.push(record)
        }
        for (const [i, record] of [...records.entries()].reverse()) {
          ungrow(model, record, optimizer.mirrors)
          expect(await everything(model, moments)).toEqual(stages[i])
        }
      },
    )
    test('is decided by the same signals of blocks as on the CPU', async () => {
      for (const seed of [1, 2]) {
        const config = drawConfig(drawFrom(seed))
        const text = Int32Array.from({ length: 30 }, (_, i) => (i * i + seed) % config.vocabulary)
        const batch = batchOfTokens(text, config.context, 'text')
        const [here, there] = await Promise.all(
          [device, reference].map((own) => measureBlocks(modelOf(config, drawFrom(seed), own), batch)),
        )
        expect(here.gradientNorm / there.gradientNorm).toBeCloseTo(1, 3)
        for (const [i, { gradMax, effectiveRank, dormant }] of here.blocks.entries()) {
          expect(gradMax / there.blocks[i].gradMax).toBeCloseTo(1, 3)
          expect(effectiveRank / there.blocks[i].effectiveRank).toBeCloseTo(1, 2)
          expect(dormant).toBe(there.blocks[i].dormant)
        }
      }
    })
  })
})
