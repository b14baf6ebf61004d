/** Every request that cannot be: a typed error that says what was expected, and not a byte has changed. */
import { adamw } from '@burgeon/autograd/optim'
import { batchOfTokens, growOnSchedule, Learner } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow, type GrowthRequest } from '@burgeon/gpt/growth'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { everyByte, learn, tokensFor, drawFrom } from './tiny-model.ts'

const device = openReference()
const sizes = { vocabulary: 9, context: 6, embed: 8, heads: 4, kvHeads: 2, layers: 2, mlpHidden: 6 }

const notLarger = [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '12' as unknown as number]
const sized = (kind: string, from: number, where: object): GrowthRequest[] =>
  [from, from - 1, ...notLarger].map((to) => ({ kind, to, ...where }) as GrowthRequest)

const impossible: Readonly<Record<string, readonly GrowthRequest[]>> = {
  widenMlp: [
    ...sized('widenMlp', 6, { block: 'b0' }),
    { kind: 'widenMlp', block: 'b7', to: 8 },
    { kind: 'widenMlp', block: 'b0', to: 13, how: 'split' },
    { kind: 'widenMlp', block: 'b0', to: 8, how: 'spilt' as 'split' },
  ],
  addHeads: [
    ...sized('addHeads', 4, { block: 'b0' }),
    { kind: 'addHeads', block: 'b7', to: 8 },
    { kind: 'addHeads', block: 'b0', to: 5 },
  ],
  addKvHeads: [
    ...sized('addKvHeads', 2, { block: 'b0' }),
    { kind: 'addKvHeads', block: 'b0', to: 3 },
    { kind: 'addKvHeads', block: 'b0', to: 8 },
    { kind: 'addKvHeads', block: '', to: 4 },
  ],
  widenHeads: [...sized('widenHeads', 2, { block: 'b1' }), { kind: 'widenHeads', block: 'b7', to: 4 }],
  widenEmbed: sized('widenEmbed', 8, {}),
  growContext: [
    ...sized('growContext', 6, {}),
    { kind: 'growContext', to: 8, how: 'byParts' }, // its positions are learned
    { kind: 'growContext', to: 8, how: 'streched' as 'stretched' },
  ],
  addLayer: [
    ...[-1, 3, 0.5, Number.NaN].map((at): GrowthRequest => ({ kind: 'addLayer', at })),
    { kind: 'addLayer', at: 1, mlpHidden: 0 },
    { kind: 'addLayer', at: 1, mlpHidden: 1.5 },
    { kind: 'addLayer', at: 1, mlpHidden: 7, how: 'copy' },
    { kind: 'addLayer', at: 1, how: 'clone' as 'copy' },
  ],
  copyLayers: [
    { kind: 'copyLayers', copies: 0 },
    { kind: 'copyLayers', copies: 1.5 },
    { kind: 'copyLayers', of: [] },
    { kind: 'copyLayers', of: ['b0', 'b0'] },
    { kind: 'copyLayers', of: ['b7'] },
    { kind: 'copyLayers', order: 'bottom' as 'top' },
    { kind: 'copyLayers', writes: 'half' as 'shared' },
  ],
  growVocabulary: [
    { kind: 'growVocabulary', tokens: [] },
    ...[[], [9], [-1], [0.5]].map(
      (parts): GrowthRequest => ({ kind: 'growVocabulary', tokens: [{ parts }] }),
    ),
    ...[-1, 1.5, Number.NaN].map(
      (share): GrowthRequest => ({ kind: 'growVocabulary', tokens: [{ parts: [1, 2], share }] }),
    ),
    { kind: 'growVocabulary', tokens: [{ parts: [1, 2], takes: [0.5] }] },
    { kind: 'growVocabulary', tokens: [{ parts: [1, 2], takes: [0.5, 1] }] },
  ],
  addAdapter: [...sized('addAdapter', 0, { block: 'b0' }), { kind: 'addAdapter', block: 'b7', to: 2 }],
  addExperts: [...sized('addExperts', 1, { block: 'b0' }), { kind: 'addExperts', block: 'b7', to: 2 }],
}

describe('a request that cannot be', () => {
  const model = Gpt.create(sizes, { device, seed: 1 })
  const optimizer = adamw({ learningRate: 0.01 })
  const tokens = tokensFor(model, drawFrom(1))
  learn(model, optimizer, tokens, 0)
  const { mirrors } = optimizer
  const options = { mirrors, probe: tokens, key: [1, 2] } as const
  const before = [everyByte(model, mirrors), model.growthLog]

  test.each(Object.entries(impossible))('%s', async (kind, requests) => {
    for (const request of requests) {
      const growth = grow(model, request, options)
      await expect(growth, JSON.stringify(request)).rejects.toThrow(OptionError)
      await expect(growth).rejects.toThrow(new RegExp(`^grow ${kind}: .*(expected|this model has)`))
      expect([everyByte(model, mirrors), model.growthLog]).toEqual(before)
    }
  })
  test('a kind that there is not', async () => {
    const request = { kind: 'deepen', to: 3 } as unknown as GrowthRequest
    await expect(grow(model, request, options)).rejects.toThrow(OptionError)
    expect([everyByte(model, mirrors), model.growthLog]).toEqual(before)
  })
})

test('beyond the budget of the learner: an event, and every byte as it would be without', async () => {
  const lives = ['grows', 'does not'].map((how) => {
    const model = Gpt.create({ ...sizes, vocabulary: 128 }, { device, seed: 1 })
    const growth = growOnSchedule(
      how === 'grows' ? [{ step: 1, request: { kind: 'widenEmbed', to: 12 } }] : [],
    )
    const budget = { parameters: model.parameters.size + 1 }
    return new Learner({ model, optimizer: adamw({ learningRate: 0.01 }), strategy: { growth }, budget })
  })
  const batch = batchOfTokens([1, 2, 3, 4, 5, 6, 7], 6, 'text')
  for (const learner of lives) for (let step = 0; step < 3; step++) await learner.observe(batch)
  const [refused, plain] = lives
  expect(refused.journal).toMatchObject([
    { kind: 'growth refused', data: { reason: expect.stringContaining('the budget allows') } },
  ])
  expect(everyByte(refused.model, [])).toEqual(everyByte(plain.model, []))
})
