/** What protects knowledge goes through growth: it costs what it cost, holds what it held, and a resumed life is the same. */
import { adamw, applyUpdates } from '@burgeon/autograd/optim'
import {
  everySteps,
  growOnSchedule,
  Learner,
  type LearnerOptions,
  passOf,
  type Penalty,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { grow, type GrowthRequest } from '@burgeon/gpt/growth'
import { multiply, scope, type TensorMirror, type TensorsByPath } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { numbersOf, row, rowsOf, tinyModel } from '../continual/tiny-learner.ts'
import { drawConfig, drawFrom, drawRequest, modelOf, tokensFor } from '../growth/tiny-model.ts'
import { someOf } from '../how-long.ts'
import { everyPenalty, everyProjection } from './every-method.ts'

const device = openReference()

function sampleFor({ config }: Gpt, seed: number): TokenBatch {
  const random = drawFrom(seed + 50)
  const [rows, length] = [3, config.context - 1]
  const tokens = Int32Array.from({ length: rows * (length + 1) }, () => random.below(config.vocabulary))
  return { rows, length, tokens, domains: ['a', 'b', 'c'] }
}

const costOf = (penalty: Penalty, model: Gpt, sample: TokenBatch): number =>
  scope(() => penalty.loss(model.parameters.tensors(), passOf(model, sample))?.item() ?? Number.NaN)

/** A step in a drawn direction, shown to the penalty. */
function move(model: Gpt, penalty: Penalty, sample: TokenBatch, seed: number): void {
  const random = drawFrom(seed)
  scope(() => {
    penalty.loss(model.parameters.tensors(), passOf(model, sample))
    const updates: TensorsByPath = Object.fromEntries(
      [...model.parameters].map(({ path, tensor }) => [
        path,
        device.tensor(
          Array.from({ length: tensor.size }, () => 0.03 * random.normal()),
          { shape: tensor.shape, dtype: 'f32' },
        ),
      ]),
    )
    const gradients = Object.fromEntries(
      Object.entries(updates).map(([path, update]) => [path, multiply(update, -2)]),
    )
    applyUpdates(model.parameters.tensors(), updates)
    penalty.afterUpdate?.({ step: 1, model, gradients, updates })
  })
}

/** A drawn model that was consolidated, and has moved since. */
function displaced(make: () => Penalty, seed: number): { model: Gpt; penalty: Penalty; sample: TokenBatch } {
  const model = modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)
  const [penalty, sample] = [make(), sampleFor(model, seed)]
  move(model, penalty, sample, seed + 200)
  penalty.consolidate(model, sample)
  move(model, penalty, sample, seed + 300)
  return { model, penalty, sample }
}

/** Every request that keeps the function of a drawn model, split units among them. */
function requestFor({ config }: Gpt, seed: number): GrowthRequest {
  const { id, mlpHidden } = config.blocks[0]
  if (seed % 3 === 0) return { kind: 'widenMlp', block: id, to: 2 * mlpHidden, how: 'split' }
  return drawRequest(config, drawFrom(seed + 400))
}

const positives = (mirror: TensorMirror): number =>
  Object.values(numbersOf(Object.fromEntries(mirror.paths.map((path) => [path, mirror.get(path)])) as never))
    .flat()
    .filter((x) => x > 0).length

describe.each(Object.entries(everyPenalty))('%s', (_, make) => {
  test.each(
    someOf(
      Array.from({ length: 24 }, (_, i) => i + 1),
      9,
    ),
  )('costs after growth what it cost before, where the weights have moved (seed %d)', async (seed) => {
    const { model, penalty, sample } = displaced(make, seed)
    const before = costOf(penalty, model, sample)
    expect(before).toBeGreaterThan(0)
    const [importance] = penalty.mirrors as readonly TensorMirror[]
    const [held, isImportance] = [importance.paths && positives(importance), importance.role === 'importance']
    using probe = tokensFor(model, drawFrom(seed))
    for (const i of [0, 1]) {
      const request = requestFor(model, seed + 1000 * i)
      await grow(model, request, { mirrors: penalty.mirrors, probe, key: [seed, i] })
      expect(Math.abs(costOf(penalty, model, sample) / before - 1)).toBeLessThan(1e-6)
    }
    // What mattered matters still.
    if (isImportance) expect(positives(importance)).toBeGreaterThanOrEqual(held)
    move(model, penalty, sample, seed + 500)
    expect(Math.abs(costOf(penalty, model, sample) / before - 1)).toBeGreaterThan(1e-3)
    penalty.consolidate(model, sample)
    move(model, penalty, sample, seed + 600)
    expect(costOf(penalty, model, sample)).toBeGreaterThan(0)
    model.dispose()
  })
})

const widened: GrowthRequest = { kind: 'widenMlp', block: 'b0', to: 13, how: 'split' }

/** A life of some steps that grows in its middle, between two consolidations. */
function lifeOf(strategy: Strategy): Omit<LearnerOptions, 'model'> {
  return {
    optimizer: adamw({ learningRate: 0.01 }),
    strategy: {
      ...strategy,
      consolidateWhen: everySteps(3),
      growth: growOnSchedule([
        { step: 4, request: widened },
        { step: 7, request: { kind: 'addLayer', at: 1 } },
      ]),
    },
  }
}
const batchAt = (i: number): TokenBatch => ({
  ...rowsOf(row(2 * i), row(2 * i + 1)),
  domains: i < 5 ? ['one', 'one'] : ['two', 'two'],
})

describe.each([
  ...Object.entries(everyPenalty).map(
    ([name, make]) => [name, () => ({ penalties: [make()] })] as [string, () => Strategy],
  ),
  ...Object.entries(everyProjection).map(
    ([name, make]) => [name, () => ({ projections: [make()] })] as [string, () => Strategy],
  ),
])('a life with %s', (_, strategy) => {
  test('grows in the middle of a task, goes on to the same bits after a save at any step, and differs from one without', async () => {
    const steps = 9
    const run = async (learner: Learner, from: number): Promise<unknown> => {
      for (let i = from; i < steps; i++) await learner.observe(batchAt(i))
      return scope(() => numbersOf(learner.model.parameters.tensors()))
    }
    const whole = new Learner({ model: tinyModel(device), ...lifeOf(strategy()) })
    const expected = await run(whole, 0)
    expect(whole.journal.filter(({ kind }) => kind === 'growth')).toHaveLength(2)
    for (const at of someOf([0, 3, 4, 5, 7], 2)) {
      const first = new Learner({ model: tinyModel(device), ...lifeOf(strategy()) })
      for (let i = 0; i < at; i++) await first.observe(batchAt(i))
      const state = structuredClone(await first.toState())
      const second = Learner.fromState(state, { ...lifeOf(strategy()), device })
      expect(await run(second, at)).toEqual(expected)
    }
    const without = new Learner({ model: tinyModel(device), ...lifeOf({}) })
    expect(await run(without, 0)).not.toEqual(expected)
  })
})
