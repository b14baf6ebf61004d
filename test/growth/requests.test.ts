/** Requests: one list of kinds, what earlier versions called an axis, and a plan that is made once. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { adamw } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  eventFromState,
  growOnSchedule,
  type GrowthPolicy,
  Learner,
  type LearnerEvent,
  measurementsIn,
} from '@burgeon/continual'
import { Gpt, gptConfig } from '@burgeon/gpt'
import {
  earlierTokens,
  grow,
  type GrowthKind,
  type GrowthLog,
  type GrowthRequest,
  planGrowth,
  priceOf,
  priceOfPlanned,
  replayGrowth,
  requestFromState,
  ungrow,
  ungrowTo,
} from '@burgeon/gpt/growth'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { drawFrom, everyByte, tokensFor } from './tiny-model.ts'

const device = openReference()
const sizes = { vocabulary: 9, context: 6, embed: 8, heads: 4, kvHeads: 2, layers: 2, mlpHidden: 6 }
const modelFor = (): Gpt => Gpt.create(sizes, { device, seed: 1 })
const batch = batchOfTokens([1, 2, 3, 4, 5, 6, 7], 6, 'text')

/** A request of every kind that there was before 0.2, and what it was called then. */
const kinds: {
  readonly [Kind in Exclude<GrowthKind, 'addSense'>]: readonly [
    axis: string,
    Extract<GrowthRequest, { kind: Kind }>,
  ]
} = {
  widenMlp: ['mlpHidden', { kind: 'widenMlp', block: 'b0', to: 8 }],
  addHeads: ['head', { kind: 'addHeads', block: 'b0', to: 6 }],
  addKvHeads: ['kvHead', { kind: 'addKvHeads', block: 'b0', to: 4 }],
  widenHeads: ['headDim', { kind: 'widenHeads', block: 'b1', to: 4 }],
  addLayer: ['layer', { kind: 'addLayer', at: 1, how: 'copy' }],
  copyLayers: ['stack', { kind: 'copyLayers', of: ['b1'], order: 'beside' }],
  widenEmbed: ['embed', { kind: 'widenEmbed', to: 12 }],
  growVocabulary: ['vocabulary', { kind: 'growVocabulary', tokens: [{ parts: [1, 2], share: 0.1 }] }],
  growContext: ['context', { kind: 'growContext', to: 8 }],
  addAdapter: ['adapter', { kind: 'addAdapter', block: 'b0', to: 2 }],
  addExperts: ['experts', { kind: 'addExperts', block: 'b0', to: 2 }],
  pruneUnits: ['pruneHidden', { kind: 'pruneUnits', block: 'b0', drop: [1, 3] }],
  pruneHeads: ['pruneHead', { kind: 'pruneHeads', block: 'b0', drop: [0, 1] }],
  pruneLayer: ['pruneLayer', { kind: 'pruneLayer', block: 'b1' }],
}

/** As an earlier version wrote it. */
function earlier({ kind, ...fields }: Exclude<GrowthRequest, { kind: 'addSense' }>): GrowthRequest {
  return { axis: kinds[kind][0], ...fields } as unknown as GrowthRequest
}

test('every kind, and no other, is in the table of the guide', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/growing.md'), 'utf8')
  const rows = guide.split('\n').filter((row) => row.startsWith('| `'))
  const named = rows.flatMap((row) => [...row.split('|')[1].matchAll(/`(\w+)`/g)].map(([, kind]) => kind))
  expect(named.toSorted()).toEqual([...Object.keys(kinds), 'addSense'].toSorted())
})

describe.each(Object.entries(kinds))('%s', (kind, [axis, request]) => {
  const old = earlier(request)
  test(`was saved with axis ${axis}, and is read from there`, () => {
    expect(old).toMatchObject({ axis })
    expect(requestFromState(old)).toEqual(request)
    expect(requestFromState(request)).toEqual(request)
  })
  test('of a saved growth log leads a model back to its birth, to the byte', async () => {
    const model = modelFor()
    const birth = everyByte(model, [])
    using probe = tokensFor(model, drawFrom(1))
    const record = await grow(model, request, { mirrors: [], probe, key: [3, 4] })
    const state = await model.toState()
    const log = state.growth as GrowthLog
    const oldLog: GrowthLog = {
      ...log,
      entries: log.entries.map((entry) => (entry.kind === 'grown' ? { ...entry, request: old } : entry)),
    }
    expect(replayGrowth(oldLog)).toEqual(replayGrowth(log))
    expect(earlierTokens(oldLog, 9)).toEqual(earlierTokens(log, 9))
    const loaded = Gpt.fromState({ ...state, growth: oldLog }, device)
    expect(loaded.growthLog).toEqual(log)
    ungrowTo(loaded, 0, [])
    expect(everyByte(loaded, [])).toEqual(birth)
    // A record that was kept takes it back, too.
    ungrow(model, { ...record, request: old }, [])
    expect(everyByte(model, [])).toEqual(birth)
  })
  test('of a saved journal is read, in events with and without data of their own', async () => {
    const model = modelFor()
    const learner = new Learner({
      ...{ model, optimizer: adamw({ learningRate: 0.01 }) },
      strategy: { growth: growOnSchedule([{ step: 1, request }]) },
    })
    const { events } = await learner.observe(batch)
    const event = events.find((one) => one.kind === 'growth')
    expect(event?.data.record.request).toEqual(request)
    const { data, summary, part, ...line } = event as LearnerEvent & { kind: 'growth' }
    const oldData = { ...data, record: { ...data.record, request: old } }
    expect(eventFromState({ ...line, part, summary, data: oldData })).toEqual(event)
    expect(eventFromState({ ...line, policy: part, ...oldData })).toMatchObject({ part, data })
    expect(eventFromState(event as LearnerEvent)).toBe(event)
  })
  test('asked for by its old name is refused with the new one, and nothing has changed', async () => {
    const model = modelFor()
    const before = everyByte(model, [])
    using probe = tokensFor(model, drawFrom(1))
    const asked = grow(model, old, { mirrors: [], probe, key: [3, 4] })
    await expect(asked).rejects.toThrow(OptionError)
    await expect(asked).rejects.toThrow(`expected kind: '${kind}'`)
    expect(() => priceOf(model.config, old)).toThrow(OptionError)
    expect(() => growOnSchedule([{ step: 1, request: old }])).toThrow(`expected kind: '${kind}'`)
    const growth: GrowthPolicy = {
      name: 'old',
      initial: 0,
      decide: () => ({ request: old, reason: 'so', state: 0 }),
    }
    const learner = new Learner({
      model: modelFor(),
      optimizer: adamw({ learningRate: 0 }),
      strategy: { growth },
    })
    await learner.observe(batch)
    expect(learner.journal.map(({ summary }) => summary)).toEqual([
      expect.stringContaining(`expected kind: '${kind}'`),
    ])
    expect(everyByte(model, [])).toEqual(before)
  })
})

test('measurements of a saved journal are read with their old names', () => {
  const block = { block: 'b0', gradientShare: 1, gradMax: 1, effectiveRank: 2, dormant: 0, dormantUnits: [] }
  const measured = { tokens: 5, gradientNorm: 1, blocks: [{ ...block, mostRank: 4 }] }
  const line = {
    kind: 'growth considered',
    step: 3,
    part: 'p',
    summary: 's',
    data: { reason: 'r', measured },
  }
  const event = eventFromState(line as unknown as LearnerEvent)
  expect(measurementsIn([event])).toEqual({ 3: { ...measured, blocks: [{ ...block, maxRank: 4 }] } })
})

describe('a planned growth', () => {
  const request = { kind: 'addLayer', at: 1 } as const
  test('is priced and carried out as the request would be', async () => {
    const [by, other] = [modelFor(), modelFor()]
    const planned = planGrowth(by.config, request, [3, 4])
    expect(priceOfPlanned(planned, 100)).toEqual(priceOf(by.config, request, 100))
    using probe = tokensFor(by, drawFrom(1))
    const record = await grow(by, planned, { mirrors: [], probe })
    expect(record).toEqual(await grow(other, request, { mirrors: [], probe, key: [3, 4] }))
    expect(everyByte(by, [])).toEqual(everyByte(other, []))
    expect(by.growthLog).toEqual(other.growthLog)
  })
  test('for another size, of somebody else’s making, or beside another key, is refused and nothing changes', async () => {
    const model = modelFor()
    const before = everyByte(model, [])
    using probe = tokensFor(model, drawFrom(1))
    const other = planGrowth(gptConfig({ ...sizes, mlpHidden: 7 }), request, [3, 4])
    const planned = planGrowth(model.config, request, [3, 4])
    const tries = [
      () => grow(model, other, { mirrors: [], probe }),
      () => grow(model, { ...planned }, { mirrors: [], probe }),
      () => grow(model, planned, { mirrors: [], probe, key: [1, 2] } as never),
      () => grow(model, request, { mirrors: [], probe } as never),
    ]
    for (const attempt of tries) await expect(attempt()).rejects.toThrow(OptionError)
    expect(everyByte(model, [])).toEqual(before)
  })
  test('is made once for a growth in a learner: the request of its policy is read once', async () => {
    let reads = 0
    const counted: GrowthRequest = {
      kind: 'addLayer',
      get at() {
        reads++
        return 1
      },
    }
    const growth: GrowthPolicy<null> = {
      name: 'once',
      initial: null,
      decide: ({ step }) => ({ request: step === 2 ? counted : null, reason: 'now', state: null }),
    }
    const learner = new Learner({
      model: modelFor(),
      optimizer: adamw({ learningRate: 0.01 }),
      strategy: { growth },
    })
    for (let i = 0; i < 3; i++) await learner.observe(batch)
    expect(learner.journal.map(({ kind }) => kind)).toEqual(['growth'])
    expect(reads).toBe(1)
  })
})
