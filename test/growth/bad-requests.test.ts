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
const sized = (axis: string, from: number, where: object): GrowthRequest[] =>
  [from, from - 1, ...notLarger].map((to) => ({ axis, to, ...where }) as GrowthRequest)

const impossible: Readonly<Record<string, readonly GrowthRequest[]>> = {
  mlpHidden: [
    ...sized('mlpHidden', 6, { block: 'b0' }),
    { axis: 'mlpHidden', block: 'b7', to: 8 },
    { axis: 'mlpHidden', block: 'b0', to: 13, how: 'split' },
    { axis: 'mlpHidden', block: 'b0', to: 8, how: 'spilt' as 'split' },
  ],
  head: [
    ...sized('head', 4, { block: 'b0' }),
    { axis: 'head', block: 'b7', to: 8 },
    { axis: 'head', block: 'b0', to: 5 },
  ],
  kvHead: [
    ...sized('kvHead', 2, { block: 'b0' }),
    { axis: 'kvHead', block: 'b0', to: 3 },
    { axis: 'kvHead', block: 'b0', to: 8 },
    { axis: 'kvHead', block: '', to: 4 },
  ],
  headDim: [...sized('headDim', 2, { block: 'b1' }), { axis: 'headDim', block: 'b7', to: 4 }],
  embed: sized('embed', 8, {}),
  context: [
    ...sized('context', 6, {}),
    { axis: 'context', to: 8, how: 'byParts' }, // its positions are learned
    { axis: 'context', to: 8, how: 'streched' as 'stretched' },
  ],
  layer: [
    ...[-1, 3, 0.5, Number.NaN].map((at): GrowthRequest => ({ axis: 'layer', at })),
    { axis: 'layer', at: 1, mlpHidden: 0 },
    { axis: 'layer', at: 1, mlpHidden: 1.5 },
    { axis: 'layer', at: 1, mlpHidden: 7, how: 'copy' },
    { axis: 'layer', at: 1, how: 'clone' as 'copy' },
  ],
  stack: [
    { axis: 'stack', copies: 0 },
    { axis: 'stack', copies: 1.5 },
    { axis: 'stack', of: [] },
    { axis: 'stack', of: ['b0', 'b0'] },
    { axis: 'stack', of: ['b7'] },
    { axis: 'stack', order: 'bottom' as 'top' },
    { axis: 'stack', writes: 'half' as 'shared' },
  ],
  vocabulary: [
    { axis: 'vocabulary', tokens: [] },
    ...[[], [9], [-1], [0.5]].map((parts): GrowthRequest => ({ axis: 'vocabulary', tokens: [{ parts }] })),
    ...[0, -1, 1.5, Number.NaN].map(
      (share): GrowthRequest => ({ axis: 'vocabulary', tokens: [{ parts: [1, 2], share }] }),
    ),
    { axis: 'vocabulary', tokens: [{ parts: [1, 2], takes: [0.5] }] },
    { axis: 'vocabulary', tokens: [{ parts: [1, 2], takes: [0.5, 1] }] },
  ],
  adapter: [...sized('adapter', 0, { block: 'b0' }), { axis: 'adapter', block: 'b7', to: 2 }],
  experts: [...sized('experts', 1, { block: 'b0' }), { axis: 'experts', block: 'b7', to: 2 }],
}

describe('a request that cannot be', () => {
  const model = Gpt.create(sizes, { device, seed: 1 })
  const optimizer = adamw({ learningRate: 0.01 })
  const tokens = tokensFor(model, drawFrom(1))
  learn(model, optimizer, tokens, 0)
  const { mirrors } = optimizer
  const options = { mirrors, probe: tokens, key: [1, 2] } as const
  const before = [everyByte(model, mirrors), model.growthLog]

  test.each(Object.entries(impossible))('%s', async (axis, requests) => {
    for (const request of requests) {
      const growth = grow(model, request, options)
      await expect(growth, JSON.stringify(request)).rejects.toThrow(OptionError)
      await expect(growth).rejects.toThrow(new RegExp(`^grow ${axis}: .*(expected|this model has)`))
      expect([everyByte(model, mirrors), model.growthLog]).toEqual(before)
    }
  })
  test('an axis that there is not', async () => {
    const request = { axis: 'depth', to: 3 } as unknown as GrowthRequest
    await expect(grow(model, request, options)).rejects.toThrow(OptionError)
    expect([everyByte(model, mirrors), model.growthLog]).toEqual(before)
  })
})

test('beyond the budget of the learner: an event, and every byte as it would be without', async () => {
  const lives = ['grows', 'does not'].map((how) => {
    const model = Gpt.create({ ...sizes, vocabulary: 128 }, { device, seed: 1 })
    const growth = growOnSchedule(how === 'grows' ? [{ step: 1, request: { axis: 'embed', to: 12 } }] : [])
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
