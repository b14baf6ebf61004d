/** Requests of any form and size, and files that were forged: refused with a typed error before anything is made for them. */
import { adamw } from '@burgeon/autograd/optim'
import { batchOfTokens, everySteps, growingVocabulary, type GrowthPolicy, Learner } from '@burgeon/continual'
import { Gpt, type GptConfig, parameterSpecs } from '@burgeon/gpt'
import {
  grow,
  type GrowthRequest,
  GrowthStandsError,
  planGrowth,
  priceOf,
  replayGrowth,
} from '@burgeon/gpt/growth'
import { BurgeonError, type Mirror, OptionError, sizeOf } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, drawRequest, everyByte, tokensFor } from './tiny-model.ts'

const device = openReference()
const sizes = { vocabulary: 16, context: 6, embed: 8, heads: 4, kvHeads: 2, layers: 2, mlpHidden: 6 }
const modelFor = (): Gpt => Gpt.create(sizes, { device, seed: 1 })
const batch = batchOfTokens([1, 2, 3, 4, 5, 6, 7], 6, 'text')

const huge = 2 ** 31
const enormous: readonly GrowthRequest[] = [
  { kind: 'widenMlp', block: 'b0', to: huge },
  { kind: 'addHeads', block: 'b0', to: huge },
  { kind: 'addKvHeads', block: 'b0', to: huge },
  { kind: 'widenHeads', block: 'b0', to: huge },
  { kind: 'addLayer', at: 0, mlpHidden: huge },
  { kind: 'copyLayers', copies: huge },
  { kind: 'widenEmbed', to: huge },
  { kind: 'growContext', to: huge },
  { kind: 'growContext', to: huge, how: 'stretched' },
  { kind: 'addAdapter', block: 'b0', to: huge },
  { kind: 'addExperts', block: 'b0', to: huge },
  { kind: 'pruneUnits', block: 'b0', drop: new Array<number>(huge) },
  { kind: 'growVocabulary', tokens: new Array<never>(huge) },
  // Each token stands for twice as many as the one before.
  { kind: 'growVocabulary', tokens: Array.from({ length: 60 }, (_, i) => ({ parts: [i + 15, i + 15] })) },
]

describe('a request of 2³¹', () => {
  test.each(enormous.map((request, i) => [`${request.kind}, ${i}`, request] as const))(
    'is refused by growth, plan and price: %s',
    async (_, request) => {
      const model = modelFor()
      using probe = tokensFor(model, drawFrom(1))
      const before = everyByte(model, [])
      await expect(grow(model, request, { mirrors: [], probe, key: [1, 2] })).rejects.toThrow(OptionError)
      expect(() => planGrowth(model.config, request, [1, 2])).toThrow(OptionError)
      expect(() => priceOf(model.config, request)).toThrow(OptionError)
      expect(everyByte(model, [])).toEqual(before)
    },
  )
  test('within the limits of sizes is weighed without a plan, and refused by the budget', async () => {
    const requests: GrowthRequest[] = [
      { kind: 'widenMlp', block: 'b0', to: 2 ** 26 },
      { kind: 'widenEmbed', to: 2 ** 20 },
      { kind: 'copyLayers', copies: 511 },
    ]
    const growth: GrowthPolicy<null> = {
      ...{ name: 'enormous', initial: null },
      decide: ({ step }) => ({ request: requests[step - 1] ?? null, reason: 'more', state: null }),
    }
    const model = modelFor()
    const learner = new Learner({
      ...{ model, optimizer: adamw({ learningRate: 0.01 }), strategy: { growth } },
      budget: { parameters: 100_000 },
    })
    const start = process.memoryUsage().rss
    for (let i = 0; i < 3; i++) await learner.observe(batch)
    expect(learner.journal.map(({ kind }) => kind)).toEqual(Array<string>(3).fill('growth refused'))
    expect(process.memoryUsage().rss - start).toBeLessThan(2 ** 28)
  })
})

test('the price is the sizes of all parameters, in drawn models after drawn requests', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = drawFrom(seed)
    let config = drawConfig(random)
    for (let i = 0; i < 3; i++) {
      const request = drawRequest(config, random)
      const { before, after } = priceOf(config, request)
      const planned = planGrowth(config, request, [1, 2])
      expect(before.parameters).toBe(countOf(config))
      expect(after.parameters).toBe(countOf(planned.config))
      config = planned.config
    }
  }
})

const countOf = (config: GptConfig): number =>
  parameterSpecs(config).reduce((total, { shape }) => total + sizeOf(shape), 0)

/** What JavaScript lets a policy return: fields that are right, and fields that are anything. */
const anything = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
  fc.func(fc.anything()),
  fc.constantFrom<unknown>(
    null,
    undefined,
    Number.NaN,
    Infinity,
    -1,
    0.5,
    2 ** 31,
    '12',
    [],
    {},
    'b0',
    'split',
  ),
)
const kinds: readonly GrowthRequest['kind'][] = [
  'widenMlp',
  'addHeads',
  'addKvHeads',
  'widenHeads',
  'addLayer',
  'copyLayers',
  'widenEmbed',
  'growVocabulary',
  'growContext',
  'addSense',
  'addAdapter',
  'addExperts',
  'pruneUnits',
  'pruneHeads',
  'pruneLayer',
]
const fields = [
  'block',
  'to',
  'how',
  'at',
  'copies',
  'of',
  'order',
  'writes',
  'tokens',
  'alpha',
  'drop',
  'name',
  'patches',
  'columns',
  'frames',
  'extra',
]
const malformed: fc.Arbitrary<unknown> = fc.oneof(
  anything,
  fc
    .tuple(fc.constantFrom(...kinds), fc.dictionary(fc.constantFrom(...fields), anything))
    .map(([kind, others]) => ({ ...others, kind })),
  fc
    .array(fc.record({ parts: anything, share: anything, takes: anything }, { requiredKeys: ['parts'] }))
    .map((tokens) => ({ kind: 'growVocabulary', tokens })),
)

test('a request of any form is fulfilled or refused with a typed error', () => {
  const { config } = modelFor()
  fc.assert(
    fc.property(malformed, (request) => {
      for (const ask of [priceOf, planGrowth] as const) {
        try {
          ask(config, request as GrowthRequest, [0, 0] as never)
        } catch (error) {
          expect(error).toBeInstanceOf(OptionError)
        }
      }
    }),
    { numRuns: 500 },
  )
})

test('whatever a policy decides, the learner lives on: a line in the journal, and every byte as it would be without', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(anything, fc.record({ request: malformed, reason: anything })),
      async (decision) => {
        const [model, plain] = [modelFor(), modelFor()]
        const growth = { name: 'odd', initial: 1, decide: () => decision } as unknown as GrowthPolicy
        const learner = new Learner({ model, optimizer: adamw({ learningRate: 0.01 }), strategy: { growth } })
        const control = new Learner({ model: plain, optimizer: adamw({ learningRate: 0.01 }) })
        await learner.observe(batch)
        await control.observe(batch)
        if (learner.journal.some(({ kind }) => kind === 'growth')) return
        expect(everyByte(model, [])).toEqual(everyByte(plain, []))
        await learner.observe(batch)
        expect(learner.step).toBe(2)
      },
    ),
    { numRuns: 60 },
  )
})

test('a policy that throws is a line in the journal', async () => {
  const growth: GrowthPolicy<number> = {
    ...{ name: 'throws', initial: 1 },
    decide() {
      throw new TypeError('no')
    },
  }
  const learner = new Learner({
    model: modelFor(),
    optimizer: adamw({ learningRate: 0.01 }),
    strategy: { growth },
  })
  await learner.observe(batch)
  expect(learner.journal).toMatchObject([
    { kind: 'growth refused', data: { reason: expect.stringContaining('TypeError: no') } },
  ])
})

test("a policy's request for tokens beside a growing vocabulary is refused, and the learner goes on", async () => {
  const model = Gpt.create({ ...sizes, vocabulary: 256 }, { device, seed: 1 })
  const growth: GrowthPolicy<null> = {
    ...{ name: 'tokens', initial: null },
    decide: ({ step }) => ({
      ...{ request: step === 1 ? { kind: 'growVocabulary', tokens: [{ parts: [97, 98] }] } : null },
      ...{ reason: 'ab', state: null },
    }),
  }
  const vocabulary = growingVocabulary({ tokens: 300, growWhen: everySteps(1000) })
  const strategy = { growth, vocabulary }
  const learner = new Learner({ model, optimizer: adamw({ learningRate: 0.01 }), strategy })
  for (let i = 0; i < 3; i++) await learner.observe('abab ab')
  expect(learner.journal).toMatchObject([
    { kind: 'growth refused', data: { reason: expect.stringContaining('growing vocabulary') } },
  ])
  expect(model.config.vocabulary).toBe(256)
})

test('growth that could not be taken back stands, is in the log, and can be taken back later', async () => {
  const model = modelFor()
  using probe = tokensFor(model, drawFrom(1))
  let isBroken = true
  const mirror: Mirror = {
    ...{ name: 'stubborn', keep: () => Promise.resolve({}) },
    remap: ({ summary }) => {
      if (isBroken && summary.startsWith('undo')) throw new OptionError('no room')
      return () => {}
    },
  }
  const wanted = grow(
    model,
    { kind: 'growContext', to: 8, how: 'stretched' },
    { mirrors: [mirror], probe, key: [1, 2], tolerance: 0 },
  )
  await expect(wanted).rejects.toThrow(GrowthStandsError)
  expect(replayGrowth(model.growthLog).config).toEqual(model.config)
  expect(model.config.context).toBe(8)
  isBroken = false
  const restored = Gpt.fromState(await model.toState(), device)
  expect(restored.config).toEqual(model.config)
})

describe('a forged checkpoint', () => {
  test('with 100,000 blocks, or any that are not stored, is refused before anything is made for them', async () => {
    const state = await modelFor().toState()
    const [block] = state.config.blocks
    for (const count of [100_000, 1000, 3]) {
      const blocks = Array.from({ length: count }, (_, i) => ({ ...block, id: `b${i}` }))
      const forged = { ...state, config: { ...state.config, blocks, nextBlock: count } }
      expect(() => Gpt.fromState(forged, device)).toThrow(BurgeonError)
    }
    expect(() => Gpt.fromState({ ...state, config: { ...state.config, embed: 2 ** 31 } }, device)).toThrow(
      BurgeonError,
    )
  })
  test('with a growth log of enormous requests is refused', async () => {
    const model = modelFor()
    using probe = tokensFor(model, drawFrom(1))
    await grow(model, { kind: 'widenEmbed', to: 10 }, { mirrors: [], probe, key: [1, 2] })
    const state = await model.toState()
    const [entry] = state.growth?.entries ?? []
    for (const request of [...enormous, null, 3, { kind: 'widenEmbed' }]) {
      const growth = { birth: state.growth?.birth, entries: [{ ...entry, request }] } as never
      expect(() => Gpt.fromState({ ...state, growth }, device)).toThrow(BurgeonError)
    }
  })
  test('of any form is refused with a typed error', async () => {
    // What JSON can hold, and the numbers that it can not.
    const inFile = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(Number.NaN, Infinity, -1, 2 ** 31, undefined, [], { toString: 1 }),
    )
    const state = await modelFor().toState()
    const part = (whole: object): fc.Arbitrary<object> =>
      fc
        .tuple(fc.constantFrom(...Object.keys(whole)), inFile)
        .map(([key, value]) => ({ ...whole, [key]: value }))
    const config = fc.oneof(
      part(state.config),
      part(state.config.blocks[0]).map((block) => ({
        ...state.config,
        blocks: [block, state.config.blocks[1]],
      })),
      inFile,
    )
    const growth = fc.oneof(inFile, fc.record({ birth: config, entries: fc.array(inFile) }))
    const forged = fc.oneof(
      config.map((own) => ({ ...state, config: own })),
      growth.map((own) => ({ ...state, growth: own })),
    )
    fc.assert(
      fc.property(forged, (own) => {
        try {
          Gpt.fromState(own as never, device).dispose()
        } catch (error) {
          expect(error).toBeInstanceOf(BurgeonError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
