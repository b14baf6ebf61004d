/** The contract of a penalty: ours keeps it, and ones that are broken in one way each do not. */
import {
  ewc as ewcOfAll,
  l2ToInitial,
  l2ToPrevious,
  learningWithoutForgetting,
  memoryAwareSynapses,
  onlineEwc,
  type Penalty,
  synapticIntelligence,
} from '@burgeon/continual'
import { checkPenalty } from '@burgeon/continual/testing'
import { assign, fill, negate, OptionError, square, sum, tensor } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const ewc = (): Penalty => onlineEwc({ strength: 3, decay: 0.8, seed: 2 })

test.each<[string, () => Penalty]>([
  ['EWC', ewc],
  ['EWC that forgets importance at once', () => onlineEwc({ strength: 1, decay: 0 })],
  ['EWC by the labels of the data', () => onlineEwc({ strength: 1, fisher: 'empirical' })],
  ['EWC with an anchor for each consolidation', () => ewcOfAll({ strength: 2, seed: 3 })],
  ['EWC that measures what growth adds', () => onlineEwc({ strength: 2, fresh: 'measured' })],
  ['memory aware synapses', () => memoryAwareSynapses({ strength: 1, decay: 0.5 })],
  ['synaptic intelligence', () => synapticIntelligence({ strength: 2, damping: 0.01 })],
  ['learning without forgetting', () => learningWithoutForgetting({ strength: 1, temperature: 3 })],
  ['L2 to the previous weights', () => l2ToPrevious({ strength: 0.5 })],
  ['L2 to the initial weights', () => l2ToInitial({ strength: 0.5 })],
])('%s keeps every statement', async (_, make) => {
  const results = await checkPenalty(make)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(9)
})

const broken: Readonly<Record<string, (own: Penalty) => Partial<Penalty>>> = {
  'adds nothing, or a finite scalar': (own) => ({
    loss(weights, pass) {
      const term = own.loss(weights, pass)
      return term && negate(term)
    },
  }),
  'pulls moved weights back': (own) => ({
    loss: (weights, pass) => {
      const term = own.loss(weights, pass)
      const [first] = Object.values(weights)
      return term && tensor([1], { shape: [], device: first.device })
    },
  }),
  'says truly whether': () => ({ loss: (weights) => sum(square(Object.values(weights)[0])) }),
  'changes no weight': (own) => ({
    consolidate(model, sample) {
      own.consolidate(model, sample)
      const [{ tensor: first }] = model.parameters
      assign(first, fill(first.device, first.shape, 0.1))
    },
  }),
  'leaves no buffer': (own) => ({
    consolidate(model, sample) {
      own.consolidate(model, sample)
      tensor([1, 2], { device: model.device })
    },
  }),
  'goes on to the bit': () => ({ restore: () => {} }),
  'follows growth': () => ({ mirrors: [] }),
  'has new weights cost something': () => ({
    ...onlineEwc({ strength: 3, fresh: 'plastic' }),
    afterGrowth: () => {},
  }),
  'and the others what they cost': (own) => ({
    afterGrowth: (model, sample) => own.consolidate(model, sample),
  }),
  'refuses a state that is not its own': (own) => ({
    restore(state, parameters) {
      if (typeof state === 'object' && state !== null && 'anchor' in state) own.restore(state, parameters)
    },
  }),
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', async (statement, change) => {
  const make = (): Penalty => {
    const own = ewc()
    return { ...own, ...change(own) }
  }
  const wrong = (await checkPenalty(make)).filter(({ holds }) => !holds)
  expect(wrong.some((result) => result.statement.includes(statement))).toBe(true)
})

test('what makes no penalty is refused', async () => {
  for (const make of [null, 3, () => null, () => ({ name: 'half' })]) {
    await expect(checkPenalty(make as never)).rejects.toThrow(OptionError)
  }
})
