/** A model that grows between two meta-steps: rates and moments follow, and the next meta-step is one of the grown model. */
import { adamw, applyUpdates } from '@burgeon/autograd/optim'
import { fomaml, LearnedRates, metaSgd, type MetaTask, reptile } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { type GrowthRequest, grow, planGrowth, ungrow } from '@burgeon/gpt/growth'
import { mean, scope, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { expect, test } from 'vitest'
import { drawFrom, tokensFor } from '../growth/tiny-model.ts'

const initial = 0.03
/** Requests, and of how many numbers that they add the rates are copies of old ones. */
const requests: readonly (readonly [GrowthRequest, number])[] = [
  [{ kind: 'widenMlp', block: 'b0', to: 9 }, 0],
  [{ kind: 'widenMlp', block: 'b0', to: 9, how: 'split' }, 1],
  [{ kind: 'widenEmbed', to: 12 }, 0],
  [{ kind: 'growContext', to: 8 }, 0],
  [{ kind: 'addLayer', at: 1 }, 0],
  [{ kind: 'addAdapter', block: 'b0', to: 2 }, 0],
  [{ kind: 'addExperts', block: 'b0', to: 3 }, 0],
  [{ kind: 'copyLayers' }, 0],
]

/** A model, and what learns it: Meta-SGD with an optimizer for the weights and one for the rates. */
class MetaLearner {
  readonly device = openWasm({ threads: 1 })
  readonly model = Gpt.create(
    { vocabulary: 7, context: 5, embed: 8, heads: 2, layers: 1, mlpHidden: 6 },
    { device: this.device, seed: 3 },
  )
  readonly rates = new LearnedRates({ initial })
  readonly optimizers = [adamw({ learningRate: 1e-2 }), adamw({ learningRate: 1e-3, weightDecay: 0 })]
  readonly mirrors = [this.rates, ...this.optimizers.flatMap(({ mirrors }) => mirrors)]
  readonly #random = drawFrom(1)
  readonly probe = tokensFor(this.model, this.#random)
  #steps = 0

  #task(): MetaTask {
    const loss = (): MetaTask['query'] => {
      const [tokens, rows] = [tokensFor(this.model, this.#random), 2]
      const shape = [rows * this.model.config.context]
      const drawn = Int32Array.from({ length: shape[0] }, () => this.#random.below(7))
      const targets = this.device.tensor(drawn, { shape, dtype: 'i32' })
      return (w) => mean(this.model.losses(tokens, targets, w))
    }
    return { support: loss(), query: loss() }
  }

  /** One meta-step. */
  learn(): void {
    scope(() => {
      const weights = this.model.parameters.tensors()
      const rates = this.rates.of(weights)
      const found = metaSgd([this.#task(), this.#task()], weights, rates)
      const [ofWeights, ofRates] = this.optimizers
      const step = this.#steps++
      applyUpdates(weights, ofWeights.transform(found.gradient, { parameters: weights, step }))
      applyUpdates(rates, ofRates.transform(found.rates, { parameters: rates, step }))
    })
  }

  numbers(tree: TensorsByPath): Record<string, number[]> {
    return Object.fromEntries(Object.entries(tree).map(([path, x]) => [path, [...x.readSync()]]))
  }

  ratesNow(): TensorsByPath {
    return this.rates.of(this.model.parameters.tensors())
  }
}

test.each(requests)('%o: old parts keep their rates, new ones are young', async (request, copies) => {
  const learner = new MetaLearner()
  const { model, rates, mirrors, probe } = learner
  for (let i = 0; i < 3; i++) learner.learn()
  const young = (): number =>
    Object.values(learner.numbers(learner.ratesNow()))
      .flat()
      .filter((rate) => rate === Math.fround(initial)).length
  const [before, youngBefore] = [learner.numbers(learner.ratesNow()), young()]
  const { changes } = planGrowth(model.config, request, [1, 2]).plan
  const record = await grow(model, request, { mirrors, probe, key: [1, 2] })
  const added = record.parametersAfter - record.parametersBefore
  const copied = changes
    .flatMap((change) =>
      change.kind === 'add' && change.initial.kind === 'copy' ? before[change.initial.of] : [],
    )
    .filter((rate) => rate !== Math.fround(initial)).length
  const after = learner.numbers(learner.ratesNow())
  // Copies share out what a weight does, not how fast it learns.
  for (const [path, numbers] of Object.entries(after)) {
    const old = new Set([...(before[path] ?? Object.values(before).flat()), Math.fround(initial)])
    expect(numbers.filter((rate) => !old.has(rate))).toEqual([])
  }
  expect(young() - youngBefore).toBe(added * (1 - copies) - copied)
  for (const [path, rate] of Object.entries(learner.ratesNow())) {
    expect(rate.shape).toEqual(model.parameters.get(path).tensor.shape)
  }

  ungrow(model, record, mirrors)
  expect(learner.numbers(learner.ratesNow())).toEqual(before)
  await grow(model, request, { mirrors, probe, key: [1, 2] })
  learner.learn()
  const learnt = learner.numbers(learner.ratesNow())
  // A bias of all keys moves no attention, so nothing depends on how fast it is learnt.
  const moved = Object.keys(learnt).filter((path) => !path.endsWith('key.bias') && before[path] !== undefined)
  for (const path of moved) expect(learnt[path]).not.toEqual(after[path])
  rates.dispose()
})

test('rates are saved and restored, and refuse those of another shape', async () => {
  const learner = new MetaLearner()
  learner.learn()
  const state = structuredClone(await learner.rates.toState())
  const restored = new LearnedRates({ initial: 1 })
  restored.restore(state, learner.model.parameters)
  const [own, again] = [learner.rates, restored].map((rates) => rates.of(learner.model.parameters.tensors()))
  expect(learner.numbers(again)).toEqual(learner.numbers(own))
  const [path] = Object.keys(state)
  const wrong = { ...state, [path]: { shape: [1], data: [1] } }
  expect(() => restored.restore(wrong as typeof state, learner.model.parameters)).toThrow('shape')
})

test('meta-steps of a model hold no more memory from one to the next', () => {
  const learner = new MetaLearner()
  learner.learn()
  const { buffers } = learner.device.memory
  for (let i = 0; i < 5; i++) learner.learn()
  expect(learner.device.memory.buffers).toBe(buffers)
})

test('inner steps leave the weights they begin with alone', () => {
  const { model, device } = new MetaLearner()
  const weights = model.parameters.tensors()
  const before = Object.values(weights).map((x) => [...x.readSync()])
  const tokens = device.tensor([1, 2, 3, 4, 5], { shape: [1, 5], dtype: 'i32' })
  const targets = device.tensor([2, 3, 4, 5, 6], { shape: [5], dtype: 'i32' })
  const loss = (w: TensorsByPath): Tensor => mean(model.losses(tokens, targets, w))
  scope(() => {
    fomaml([{ support: loss, query: loss }], weights, { rate: 0.1, steps: 2 })
    reptile([{ support: loss, query: loss }], weights, { rate: 0.1, steps: 2 })
  })
  expect(Object.values(weights).map((x) => [...x.readSync()])).toEqual(before)
})
