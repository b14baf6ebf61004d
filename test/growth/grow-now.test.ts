/** Growth that is asked for between two steps. */
import { adamw } from '@burgeon/autograd/optim'
import { classifier, heldBack, Learner, reservoirReplay } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { keyFromSeed, OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const key = keyFromSeed(3)
const made = (parameters: number = Infinity): Learner => {
  const model = Gpt.create({ vocabulary: 256, context: 16, embed: 8, heads: 2, layers: 1 })
  const strategy = { rehearsal: reservoirReplay({ capacity: 50 }), probes: heldBack({ share: 0.1 }) }
  return new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }), strategy, budget: { parameters } })
}
const text = 'rain falls on the old town'

test('the model grows, the moments of its optimizer with it, and it is on record', async () => {
  const learner = made()
  await learner.observe(text)
  const { size } = learner.model.parameters
  const event = await learner.grow({ kind: 'addLayer', at: 1 }, key)
  expect(event).toMatchObject({ kind: 'growth', step: 1, data: { record: { parametersBefore: size } } })
  expect(learner.journal).toContainEqual(event)
  expect(learner.model.parameters.size).toBeGreaterThan(size)
  await learner.observe(text)
  expect(learner.stateBytes).toBe(8 * learner.model.parameters.size)
  expect(learner.model.growthLog.entries).toHaveLength(1)
})

test('two learners that were the same are the same after it, and without it they are not', async () => {
  const weightsOf = async (request: GrowthRequest | null, seed: number): Promise<unknown> => {
    const learner = made()
    if (request) await learner.grow(request, keyFromSeed(seed))
    return (await learner.model.toState()).weights
  }
  const request = { kind: 'addLayer', at: 1 } as const
  expect(await weightsOf(request, 1)).toEqual(await weightsOf(request, 1))
  expect(await weightsOf(request, 2)).not.toEqual(await weightsOf(request, 1))
  expect(await weightsOf(null, 1)).not.toEqual(await weightsOf(request, 1))
})

test('what the budget forbids is refused and on record, and nothing has changed', async () => {
  const learner = made(100)
  const before = await learner.model.toState()
  const event = await learner.grow({ kind: 'addLayer', at: 1 }, key)
  expect(event.kind).toBe('growth refused')
  expect(learner.journal).toContainEqual(event)
  expect(await learner.model.toState()).toEqual(before)
})

test('a saved learner that has grown goes on to the same bits', async () => {
  const learner = made()
  await learner.observe(text)
  await learner.grow({ kind: 'widenMlp', block: 'b0', to: 40 }, key)
  const { model: _, optimizer, ...options } = { model: 0, optimizer: adamw({ learningRate: 1e-3 }) }
  const strategy = { rehearsal: reservoirReplay({ capacity: 50 }), probes: heldBack({ share: 0.1 }) }
  const again = Learner.fromState(structuredClone(await learner.toState()), {
    ...options,
    optimizer,
    strategy,
  })
  await learner.observe(text)
  await again.observe(text)
  expect(await again.model.toState()).toEqual(await learner.model.toState())
})

test('nonsense, other models, and what would be measured on rows are refused', async () => {
  const learner = made()
  await expect(learner.grow(null as never, key)).rejects.toThrow(OptionError)
  await expect(learner.grow({ kind: 'addLayer', at: 1 }, 3 as never)).rejects.toThrow(OptionError)
  const measured = { kind: 'widenMlp', block: 'b0', to: 40, how: 'gradMax' } as const
  await expect(learner.grow(measured, key)).rejects.toThrow('measured on rows')
  const fork = learner.fork()
  await expect(learner.grow({ kind: 'addLayer', at: 1 }, key)).rejects.toThrow('forks are open')
  await fork.drop()
  const other = new Learner({
    model: classifier({ inputs: 2, classes: 2, hidden: [4] }),
    optimizer: adamw({ learningRate: 1e-3 }),
  })
  await expect((other as never as Learner).grow({ kind: 'addLayer', at: 1 }, key)).rejects.toThrow(
    'expected a Gpt',
  )
})
