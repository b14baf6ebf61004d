import { valueAndGrad } from '@burgeon/autograd'
import { adamw, applyUpdates, type GradientTransform, sgd } from '@burgeon/autograd/optim'
import { batchOfTokens, measureBlocks } from '@burgeon/continual'
import { Gpt, type GptConfig } from '@burgeon/gpt'
import { grow, type GrowthRecord, type GrowthRequest, planGrowth, ungrow } from '@burgeon/gpt/growth'
import {
  mean,
  type PlainTensor,
  plainTensors,
  reshape,
  scope,
  type Tensor,
  type TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import {
  drawConfig,
  drawFrom,
  drawPruning,
  drawRequest,
  isTensorMirror,
  isWithoutGradient,
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

/** A step that takes every token for the one that follows; returns its gradients. */
async function learn(
  model: Gpt,
  optimizer: GradientTransform,
  tokens: Tensor,
): Promise<Record<string, PlainTensor>> {
  const gradients = scope(() => {
    const parameters = model.parameters.tensors()
    const { gradient } = valueAndGrad((w: TensorsByPath) =>
      mean(model.losses(tokens, reshape(tokens, [tokens.size]), w)),
    )(parameters)
    applyUpdates(parameters, optimizer.transform(gradient, { parameters, step: 0 }))
    return gradient
  })
  const plain = await plainTensors(gradients)
  for (const tensor of Object.values(gradients)) tensor.dispose()
  return plain
}

/** Growths that are not drawn at random come at fixed places. */
function requestAt(i: number, { context }: GptConfig): GrowthRequest | null {
  if (i === 2) return { kind: 'growVocabulary', tokens: [{ parts: [0, 1] }] }
  return i === 4 ? { kind: 'growContext', to: context + 3, how: 'stretched' } : null
}

await withAdapter((device, adapter) => {
  describe(`growth on ${adapter}`, () => {
    test.each([1, 2, 3, 4])(
      'of every kind leaves the logits, and goes back to the byte as pruning does (life %d)',
      async (seed) => {
        const random = drawFrom(seed)
        const model = modelOf(drawConfig(random), random, device)
        // Tokens are drawn for a model whose numbers can be read at once, and sent over.
        const drawn = tokensFor(modelOf(model.config, drawFrom(seed), reference), drawFrom(seed))
        using probe = device.tensor(drawn.readSync(), drawn)
        const optimizer = adamw({ learningRate: 0.01 })
        await learn(model, optimizer, probe)
        const moments = optimizer.mirrors.filter(isTensorMirror)
        let prunings = 0
        const [stages, records]: [unknown[], GrowthRecord[]] = [[], []]
        for (let i = 0; i < 10; i++) {
          stages.push(await everything(model, moments))
          const pruning = i % 2 === 1 ? drawPruning(model.config, random) : null
          const growing = requestAt(i, model.config) ?? drawRequest(model.config, random)
          const { isExact } = planGrowth(model.config, pruning ?? growing, [seed, i])
          const options = { mirrors: optimizer.mirrors, probe, key: [seed, i] } as const
          const record = await grow(model, pruning ?? growing, options)
          if (isExact) expect(record.logitsMoved).toBeLessThanOrEqual(1e-5)
          prunings += pruning ? 1 : 0
          records.push(record)
        }
        expect(prunings).toBeGreaterThan(0)
        for (const [i, record] of [...records.entries()].reverse()) {
          ungrow(model, record, optimizer.mirrors)
          expect(await everything(model, moments)).toEqual(stages[i])
        }
      },
    )
    test.each([1, 2, 3, 4])(
      'comes to the same when it is saved and loaded before as after, and all that is new learns within two steps (life %d)',
      async (seed) => {
        const random = drawFrom(seed)
        const model = modelOf(drawConfig(random), random, device)
        for (let i = 0; i < 3; i++) {
          const other = Gpt.fromState(await model.toState(), device)
          const request = drawRequest(model.config, random)
          const { plan } = planGrowth(model.config, request, [seed, i])
          for (const each of [model, other]) {
            const { config } = each
            using probe = device.tensor(
              Int32Array.from({ length: 4 }, (_, at) => at % config.vocabulary),
              {
                shape: [1, 4],
                dtype: 'i32',
              },
            )
            await grow(each, request, { mirrors: [], probe, key: [seed, i] })
          }
          expect(await other.toState()).toEqual(await model.toState())
          other.dispose()
          const drawn = tokensFor(modelOf(model.config, drawFrom(seed), reference), drawFrom(seed))
          using tokens = device.tensor(drawn.readSync(), drawn)
          const steps = [await learn(model, sgd(0.1), tokens), await learn(model, sgd(0.1), tokens)]
          for (const { path } of plan.changes) {
            if (isWithoutGradient(path)) continue
            const [first, second] = steps.map((gradients) => gradients[path].data)
            const dead = first.findIndex((gradient, at) => gradient === 0 && second[at] === 0)
            expect(dead, `${plan.summary}: ${path} of life ${seed}`).toBe(-1)
          }
        }
        model.dispose()
      },
    )
    test('uses the same signals of blocks as on the CPU', async () => {
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
