/** Adapters that read other directions than earlier ones (O-LoRA). */
import { adamw, sgd } from '@burgeon/autograd/optim'
import {
  everySteps,
  fineTune,
  type FineTuning,
  Learner,
  onlineEwc,
  orthogonalTo,
  passOf,
} from '@burgeon/continual'
import { type Gpt, LoraAdapter, mergeLora } from '@burgeon/gpt'
import { OptionError, scope, StateError, type TensorsByPath } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'
import { numbersOf, row, rowsOf, tinyModel } from '../continual/tiny-learner.ts'

const device = openReference()
const batch = (i: number) => rowsOf(row(2 * i), row(2 * i + 1))
const options = { rank: 2, alpha: 4, targets: ['qkv', 'output', 'down'] } as const
const adapterOf = (model: Gpt, seed: number) => LoraAdapter.create(model, options, { seed })
const isOfA = (path: string): boolean => path.endsWith('.lora.a.weight')

/** Σ ‖Aᵢᵀ·A‖² by loops. */
function overlap(earlier: readonly TensorsByPath[], weights: TensorsByPath): number {
  let total = 0
  const own = numbersOf(weights)
  for (const [path, a] of Object.entries(own)) {
    if (!isOfA(path)) continue
    const rank = weights[path].shape.at(-1) as number
    for (const old of earlier) {
      if (!(path in old)) continue
      const [b, oldRank] = [numbersOf(old)[path], old[path].shape.at(-1) as number]
      for (let i = 0; i < oldRank; i++)
        for (let j = 0; j < rank; j++) {
          let product = 0
          for (let k = 0; k < a.length / rank; k++) product += b[k * oldRank + i] * a[k * rank + j]
          total += product ** 2
        }
    }
  }
  return total
}

const passBy = (model: Gpt) => passOf(model, batch(0), model.parameters.tensors())

test('costs the squared products of what both read, in the modules that both have', () => {
  const model = tinyModel(device)
  const earlier = [
    adapterOf(model, 1),
    LoraAdapter.create(model, { rank: 3, targets: ['qkv'] }, { seed: 2 }),
    LoraAdapter.create(model, { rank: 1, targets: ['up'] }, { seed: 3 }),
  ]
  const { weights } = adapterOf(model, 4)
  const wanted = overlap(
    earlier.map((old) => old.weights),
    weights,
  )
  expect(wanted).toBeGreaterThan(0)
  const penalty = orthogonalTo(earlier, { strength: 0.25 })
  expect(scope(() => penalty.loss(weights, passBy(model)))?.item()).toBeCloseTo(0.25 * wanted, 6)
  expect(scope(() => orthogonalTo(earlier).loss(weights, passBy(model)))?.item()).toBeCloseTo(0.5 * wanted, 6)
})

/** An adapter learns after another, which is merged; how much both read alike. */
async function second(strength: number): Promise<{ alike: number; tuning: FineTuning }> {
  const model = tinyModel(device)
  const first = adapterOf(model, 1)
  const optimizer = () => adamw({ learningRate: 0.02 })
  const before = fineTune(model, { adapter: first, optimizer: optimizer() })
  for (let i = 0; i < 10; i++) await before.observe(batch(i))
  mergeLora(model, first)
  const penalties = strength === 0 ? [] : [orthogonalTo([first], { strength })]
  const tuning = fineTune(model, {
    adapter: adapterOf(model, 1),
    optimizer: optimizer(),
    strategy: { penalties },
  })
  for (let i = 0; i < 40; i++) await tuning.observe(batch(20 + i))
  return { alike: overlap([first.weights], tuning.adapter.weights), tuning }
}

test('turns an adapter that begins where the first did away from it, as one without does not', async () => {
  const [without, kept] = [await second(0), await second(5)]
  expect(kept.alike).toBeLessThan(0.05 * without.alike)
  expect(numbersOf(kept.tuning.adapter.weights)).not.toEqual(numbersOf(without.tuning.adapter.weights))
})

test('is saved with the directions, whatever becomes of the adapters, and goes on to the bit', async () => {
  const model = tinyModel(device)
  const parts = (seed: number) => ({
    adapter: options,
    optimizer: sgd(0.1),
    strategy: { penalties: [orthogonalTo([adapterOf(model, seed)])] },
  })
  const whole = fineTune(model, parts(1))
  for (let i = 0; i < 3; i++) await whole.observe(batch(i))
  const saved = structuredClone(await whole.toState())
  const resumed = Learner.fromState(saved, { ...parts(7), device }) as FineTuning
  for (let i = 3; i < 6; i++) expect(await resumed.observe(batch(i))).toEqual(await whole.observe(batch(i)))
  expect(numbersOf(resumed.adapter.weights)).toEqual(numbersOf(whole.adapter.weights))
})

test('takes only directions of its own modules', async () => {
  const model = tinyModel(device)
  const [penalty, other] = [orthogonalTo([adapterOf(model, 1)]), adapterOf(model, 2)]
  const wide = orthogonalTo([LoraAdapter.create(model, { ...options, rank: 3 })])
  const few = orthogonalTo([LoraAdapter.create(model, { rank: 2, targets: ['qkv'] })])
  const state = await penalty.toState()
  for (const strange of [await wide.toState(), await few.toState(), { ...(state as object), strength: 1 }])
    expect(() => penalty.restore(strange, other.parameters)).toThrow(StateError)
  expect(await penalty.toState()).toEqual(state)
})

test('is refused where no adapter learns, as one of the model is where one does', async () => {
  const model = tinyModel(device)
  const penalties = [orthogonalTo([adapterOf(model, 1)])]
  expect(() => new Learner({ model, optimizer: sgd(0.1), strategy: { penalties } })).toThrow(/no adapter/)
  const both = { penalties: [...penalties, onlineEwc({ strength: 1 })], consolidateWhen: everySteps(2) }
  expect(() => fineTune(model, { adapter: options, strategy: both })).toThrow(/EWC/i)
  expect(() => orthogonalTo([])).toThrow(OptionError)
  const apart = { adapter: { rank: 1, targets: ['up'] as const }, strategy: { penalties } }
  await expect(fineTune(model, apart).observe(batch(0))).rejects.toThrow(/shares no module/)
})
