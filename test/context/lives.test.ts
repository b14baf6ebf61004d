/** Lives with labels: they are resumed, forked, held back from and grown in like any other. Reaches inside gpt for a disk in memory. */
import { adamw } from '@burgeon/autograd/optim'
import {
  contextLabels,
  everySteps,
  growingVocabulary,
  growOnSchedule,
  heldBack,
  Learner,
  type LearnerState,
  onlineEwc,
  pageHinkley,
  reservoirReplay,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { StateError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { numbersOf } from '../continual/tiny-learner.ts'
import { bornOn, device, labelled, rowsIn } from './label-lives.ts'

const kinds = {
  domain: ({ domain }: { readonly domain: string }) => domain,
  source: ({ origin }: { readonly origin: { readonly source: string } | null }) => origin?.source,
}
const strategyOf = (more: Strategy = {}): Strategy => ({
  context: contextLabels({ kinds }),
  rehearsal: reservoirReplay({ capacity: 6, share: 1 }),
  penalties: [onlineEwc({ strength: 1 })],
  consolidateWhen: everySteps(3),
  probes: heldBack({ share: 0.2, every: 2, rows: 4, costShare: 10 }),
  detector: pageHinkley({ mode: 'up', minSamples: 3 }),
  growth: growOnSchedule([
    { step: 3, request: { kind: 'widenMlp', block: '0', to: 12 } },
    { step: 6, request: { kind: 'addLayer', at: 1 } },
  ]),
  ...more,
})
const partsOf = (more?: Strategy) => ({
  ...{ optimizer: adamw({ learningRate: 1e-2 }), strategy: strategyOf(more), seed: 4 },
})
/** A new domain in every third step, from two sources. */
function stepOf(step: number): TokenBatch {
  const batch = rowsIn(['a', 'b', `domain ${Math.floor(step / 3)}`], step)
  const origins = batch.domains.map((domain, i) => ({
    ...{ id: 3 * step + i, domain, source: `source ${(step + i) % 2}`, at: step, trust: 1 },
  }))
  return { ...batch, origins }
}

async function live(learner: Learner, from: number, to: number): Promise<unknown[]> {
  const reports = []
  for (let step = from; step < to; step++) reports.push(await learner.observe(stepOf(step)))
  return reports
}
/** Through bytes, as a file has it. */
async function saved(learner: Learner): Promise<LearnerState> {
  const disk = memoryDisk()
  await writeCheckpoint(disk, { learner: await learner.toState() })
  return (await readCheckpoint(disk)).learner as LearnerState
}

describe('a life with labels', () => {
  test('goes on from anywhere to the same bits, through births, growth, probes and rehearsal', async () => {
    const whole = new Learner({ model: bornOn(), ...partsOf() })
    const reports = await live(whole, 0, 9)
    for (const at of [1, 4, 7]) {
      const begun = new Learner({ model: bornOn(), ...partsOf() })
      await live(begun, 0, at)
      const resumed = Learner.fromState(await saved(begun), { ...partsOf(), device })
      expect(await live(resumed, at, 9)).toEqual(reports.slice(at))
      expect(numbersOf(resumed.model.parameters.tensors())).toEqual(
        numbersOf(whole.model.parameters.tensors()),
      )
      expect(await resumed.toState()).toEqual(await whole.toState())
    }
    expect(whole.strategy.context?.labels.map(({ name }) => name)).toEqual([
      ...['a', 'source 0', 'b', 'source 1', 'domain 0', 'domain 1', 'domain 2'],
    ])
  })
  test('goes on beside a vocabulary that grows', async () => {
    const born = () => Gpt.create({ context: 16, embed: 8, heads: 2, layers: 1 }, { device })
    const parts = () => ({
      optimizer: adamw({ learningRate: 1e-2 }),
      strategy: {
        context: contextLabels(),
        rehearsal: reservoirReplay({ capacity: 6, share: 1 }),
        vocabulary: growingVocabulary({ tokens: 270, tokensAtOnce: 2, minCount: 2, growWhen: everySteps(2) }),
      },
    })
    const texts = ['the thing then', 'other thinking', 'bathing thither', 'then the other']
    const run = async (learner: Learner, from: number, to: number): Promise<unknown[]> => {
      const reports = []
      for (let step = from; step < to; step++) {
        const bytes = new TextEncoder().encode(texts[step % 4])
        const tokens = Int32Array.from(bytes)
        const domains = [`language ${Math.floor(step / 2)}`]
        reports.push(await learner.observe({ rows: 1, length: tokens.length - 1, tokens, domains }))
      }
      return reports
    }
    const whole = new Learner({ model: born(), ...parts() })
    const reports = await run(whole, 0, 8)
    expect(whole.strategy.vocabulary?.tokenizer.vocabulary).toBe(whole.model.config.vocabulary)
    const begun = new Learner({ model: born(), ...parts() })
    await run(begun, 0, 5)
    const resumed = Learner.fromState(await saved(begun), { ...parts(), device })
    expect(await run(resumed, 5, 8)).toEqual(reports.slice(5))
    const labels = whole.strategy.context?.labels ?? []
    expect(labels.map(({ name }) => name)).toEqual([0, 1, 2, 3].map((i) => `language ${i}`))
    expect(resumed.strategy.context?.labels).toEqual(labels)
  })
  test('is to the bit as before after a fork was dropped in which labels were born', async () => {
    const [learner, plain] = [0, 1].map(() => new Learner({ model: bornOn(), ...partsOf() }))
    await live(learner, 0, 2)
    await live(plain, 0, 2)
    const fork = learner.fork()
    await fork.observe(rowsIn(['new', 'newer'], 9))
    expect(learner.strategy.context?.labels.map(({ name }) => name)).toContain('newer')
    await fork.drop()
    expect(learner.strategy.context?.labels.map(({ name }) => name)).not.toContain('new')
    expect(await live(learner, 2, 5)).toEqual(await live(plain, 2, 5))
    const kept = learner.fork()
    await kept.observe(stepOf(5))
    await kept.keep()
    await live(plain, 5, 6)
    expect(await live(learner, 6, 8)).toEqual(await live(plain, 6, 8))
  })
  test('knows remembered rows by their labels, and measures what is held back with them', async () => {
    const { learner, labels } = labelled(
      { drop: 0, dropAll: 0 },
      { rehearsal: reservoirReplay({ capacity: 4, share: 2 }), probes: heldBack({ share: 0.4 }) },
    )
    for (let step = 0; step < 12; step++) await learner.observe(rowsIn(['a', 'b'], step))
    const [a, b] = labels.labels
    expect([a.name, b.name]).toEqual(['a', 'b'])
    const old = learner.strategy.rehearsal?.sample(4) as TokenBatch
    expect(labels.before(old)).toEqual(old.domains.map((name) => [name === 'a' ? a.token : b.token]))
    // Both labels as they are, then exchanged: probes are of the rows in their own context.
    const own = await learner.measureProbes()
    const swapped = contextLabels({ drop: 0, dropAll: 0 })
    swapped.add([b, a], 12)
    labels.restore({ kinds: 'domain', labels: swapped.labels, recent: [0, 0] }, learner.model.parameters)
    const other = await learner.measureProbes()
    expect(other['a'].bits).not.toBe(own['a'].bits)
  })
})

test('what came most often of late is inferred among, where labels are many', async () => {
  const { learner, labels } = labelled({ drop: 0, dropAll: 0 })
  for (let i = 0; i < 10; i++) await learner.observe(rowsIn([`d${i}`], i))
  for (const name of ['d0', 'd1']) await learner.observe(rowsIn([name]))
  const names = labels.contextsOf().map(({ name }) => name)
  expect(names.slice(0, 2)).toEqual(['d1', 'd0'])
  expect(names).toHaveLength(8)
  const state = labels.toState()
  const again = contextLabels()
  again.restore(structuredClone(state), learner.model.parameters)
  expect(again.contextsOf()).toEqual(labels.contextsOf())
})

test('a state of other kinds, of tokens that the model has not, or that is damaged is refused', async () => {
  const { learner, labels } = labelled()
  await learner.observe(rowsIn(['a', 'b']))
  const state = labels.toState()
  const { parameters } = learner.model
  const restored = (damaged: unknown) => () => labels.restore(damaged, parameters)
  expect(restored({ ...state, kinds: 'source' })).toThrow(StateError)
  expect(restored({ ...state, labels: [{ kind: 'domain', name: 'a', token: 14 }] })).toThrow('got token 14')
  expect(restored({ ...state, labels: [{ kind: 'domain', token: 1 }] })).toThrow(StateError)
  expect(restored({ ...state, recent: [0] })).toThrow('got 1 numbers for 2 labels')
  expect(restored(null)).toThrow(StateError)
  expect(labels.toState()).toEqual(state)
})
