/** Reaches inside for a disk in memory: a model that is saved, loaded and grown is the one that is grown, saved and loaded, to the byte. */
import { adamw, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { Gpt, type GptState, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { grow, type GrowthRequest } from '@burgeon/gpt/growth'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import type { Device } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import {
  drawConfig,
  drawFrom,
  drawPruning,
  drawRequest,
  learn,
  lossAndGradients,
  modelOf,
  tokensFor,
} from './tiny-model.ts'
import { times } from '../how-long.ts'

const optimizerOf = () => chain(clipByGlobalNorm(1), adamw({ learningRate: 0.01, warmUp: 4 }))

interface Life {
  readonly model: Gpt
  readonly optimizer: ReturnType<typeof optimizerOf>
}

const stateOf = async ({ model, optimizer }: Life) => ({
  model: await model.toState(),
  optimizer: await optimizer.toState(),
})

/** The same life, woken from a checkpoint. */
async function savedAndLoaded(life: Life, device: Device): Promise<Life> {
  const disk = memoryDisk()
  await writeCheckpoint(disk, await stateOf(life))
  const saved = (await readCheckpoint(disk)) as { model: GptState; optimizer: unknown }
  const [model, optimizer] = [Gpt.fromState(saved.model, device), optimizerOf()]
  optimizer.restore(saved.optimizer, model.parameters)
  return { model, optimizer }
}

async function growIn({ model, optimizer }: Life, request: GrowthRequest, seed: number): Promise<void> {
  const probe = tokensFor(model, drawFrom(seed))
  await grow(model, request, { mirrors: optimizer.mirrors, probe, key: [seed, 7], tolerance: Infinity })
}

function dispose({ model, optimizer }: Life): void {
  for (const mirror of optimizer.mirrors) mirror.dispose?.()
  model.dispose()
}

describe.each([openReference(), openWasm()].map((device) => [device.name, device] as const))(
  'on %s',
  (_, device) => {
    test('growing, saving and loading come to the same in any order, and learning goes on alike', async () => {
      for (let seed = 1; seed <= times(2, 7); seed++) {
        const random = drawFrom(seed)
        let life: Life = { model: modelOf(drawConfig(random), random, device), optimizer: optimizerOf() }
        for (let i = 0; i < 10; i++) {
          learn(life.model, life.optimizer, tokensFor(life.model, drawFrom(i)), i)
          const { config } = life.model
          const words: GrowthRequest = {
            kind: 'growVocabulary',
            tokens: [{ parts: [0, i % config.vocabulary] }],
          }
          const pruning = random.below(4) === 0 ? drawPruning(config, random) : null
          const request = i % 5 === 4 ? words : (pruning ?? drawRequest(config, random))
          const other = await savedAndLoaded(life, device)
          await growIn(other, request, 10 * seed + i)
          await growIn(life, request, 10 * seed + i)
          const next = await savedAndLoaded(life, device)
          const [grown, woken, first] = [await stateOf(life), await stateOf(next), await stateOf(other)]
          expect(woken, `${request.kind} of life ${seed}`).toEqual(grown)
          expect(first, `${request.kind} of life ${seed}`).toEqual(grown)
          const tokens = tokensFor(life.model, drawFrom(100 + i))
          const losses = [life, next, other].map(
            ({ model }) => lossAndGradients(model, tokens).value.readSync()[0],
          )
          expect(new Set(losses).size).toBe(1)
          dispose(life)
          dispose(other)
          life = next
        }
        dispose(life)
      }
    })
  },
)
