/** Layers that have converged settle, freeze and wake; what sits out a step is neither changed nor computed. */
import { adamw, accumulate, chain, clipByGlobalNorm, sgd } from '@burgeon/autograd/optim'
import {
  type TokenBatch,
  batchOfTokens,
  freezeConverged,
  type Freezing,
  Learner,
  type LearnerOptions,
  onlineEwc,
  reservoirReplay,
  savedPart,
  type Strategy,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow, type GrowthRequest, ungrow } from '@burgeon/gpt/growth'
import { type Device, OptionError, profileAsync } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'

const sizes = { context: 12, embed: 8, heads: 2, layers: 4, mlpHidden: 16, vocabulary: 128 }
const text = new TextEncoder().encode('the quick brown fox jumps over the lazy dog. '.repeat(40))
const batchAt = (step: number): TokenBatch => {
  const from = (step * 37) % (text.length - 49)
  return batchOfTokens(text.subarray(from, from + 49), 12, 'text')
}
const modelOn = (device: Device): Gpt => Gpt.create(sizes, { device, seed: 3 })

/** Freezes so many of the lowest blocks from the first step on. */
const always = (shares: readonly number[]): Freezing => ({
  name: 'always',
  sharesAt: () => shares,
  afterStep: () => [],
  toState: () => null,
  restore: () => {},
})
const optimizer = (): LearnerOptions['optimizer'] =>
  chain(clipByGlobalNorm(1), adamw({ learningRate: 0.01, weightDecay: 0.1 }))
const learnerWith = (device: Device, strategy: Strategy, learns = optimizer()): Learner =>
  new Learner({ model: modelOn(device), optimizer: learns, strategy })

function numbers({ model }: Learner): Record<string, readonly number[]> {
  return Object.fromEntries([...model.parameters].map(({ path, tensor }) => [path, [...tensor.readSync()]]))
}
const isBelow = (path: string, blocks: number): boolean =>
  path.startsWith('embed.') ||
  Array.from({ length: blocks }, (_, i) => `blocks.b${i}.`).some((b) => path.startsWith(b))

describe.each([openReference(), openWasm()].map((device) => [device.name, device] as const))(
  'frozen blocks on %s',
  (_, device) => {
    test('keep every bit; the others learn what they would have learnt', async () => {
      const [all, frozen] = [
        learnerWith(device, {}, adamw({ learningRate: 0.01 })),
        learnerWith(device, { freezing: always([0, 0]) }, adamw({ learningRate: 0.01 })),
      ]
      const before = numbers(frozen)
      for (const learner of [all, frozen]) await learner.observe(batchAt(0))
      const [full, part] = [numbers(all), numbers(frozen)]
      for (const [path, values] of Object.entries(part)) {
        expect(values).toEqual(isBelow(path, 2) ? before[path] : full[path])
        if (!isBelow(path, 2) && !path.endsWith('key.bias')) expect(values).not.toEqual(before[path])
      }
    })
    test('cost no backward pass', async () => {
      const cost = async (shares: readonly number[]): Promise<number> => {
        const learner = learnerWith(device, { freezing: always(shares) })
        const { profile } = await profileAsync(() => learner.observe(batchAt(0)))
        return profile.rows().reduce((total, { flops }) => total + flops, 0)
      }
      const [none, one, two, three] = [
        await cost([]),
        await cost([0]),
        await cost([0, 0]),
        await cost([0, 0, 0]),
      ]
      // Each block's backward pass is two thirds of its work, and they are equal; with the first the embedding's gradient goes, too.
      expect(none - one).toBeGreaterThanOrEqual(one - two)
      expect((one - two) / (two - three)).toBeCloseTo(1, 6)
      expect(three).toBeLessThan(0.62 * none)
    })
    test('that settle change by their share of what they would have changed by', async () => {
      const [all, slow] = [
        learnerWith(device, {}, adamw({ learningRate: 0.01 })),
        learnerWith(device, { freezing: always([0.25, 0.5]) }, adamw({ learningRate: 0.01 })),
      ]
      const before = numbers(all)
      for (const learner of [all, slow]) await learner.observe(batchAt(0))
      const [full, part] = [numbers(all), numbers(slow)]
      for (const [path, values] of Object.entries(part)) {
        const share = isBelow(path, 1) ? 0.25 : isBelow(path, 2) ? 0.5 : 1
        values.forEach((x, i) =>
          expect(x - before[path][i]).toBeCloseTo(share * (full[path][i] - before[path][i]), 6),
        )
      }
    })
  },
)

const device = openWasm()
/** Judges every fifth step, and finds everything converged that does not halve its change. */
const soon = (): Freezing =>
  freezeConverged({ every: 5, patience: 2, tolerance: 0.5, settle: 10, maxShare: 0.5 })

test('a life: blocks converge from below, settle, freeze, and wake when the model grows', async () => {
  const learner = learnerWith(device, { freezing: soon() })
  const frozenAt = (step: number): number =>
    learner.strategy.freezing?.sharesAt(step).filter((share) => share === 0).length ?? 0
  let step = 0
  const live = async (steps: number): Promise<void> => {
    for (const end = step + steps; step < end; step++) await learner.observe(batchAt(step))
  }
  await live(120)
  const events = learner.journal.filter((event) => event.kind === 'freezing')
  expect(events[0]).toMatchObject({
    kind: 'freezing',
    data: { reason: expect.stringContaining('has converged') },
  })
  expect(events.map(({ data }) => data.blocks)).toEqual(
    events.map(({ data }) => data.blocks).toSorted((a, b) => a - b),
  )
  // Half of the four at most.
  expect(events.at(-1)?.data.blocks).toBe(2)
  expect(frozenAt(step)).toBe(2)
  const before = numbers(learner)
  await live(3)
  const after = numbers(learner)
  for (const [path, values] of Object.entries(after)) {
    if (isBelow(path, 2)) expect(values).toEqual(before[path])
    else if (!path.endsWith('key.bias')) expect(values).not.toEqual(before[path])
  }
})

const takenBack: readonly GrowthRequest[] = [
  { kind: 'growContext', to: 24 },
  { kind: 'growVocabulary', tokens: [{ parts: [116, 104] }] },
]
test.for(takenBack)(
  'growth that is taken back leaves nothing to look at that is no more: $kind',
  async (request) => {
    const learner = learnerWith(device, { freezing: soon() }, sgd({ learningRate: 0.01 }))
    const { model } = learner
    const record = await grow(model, request, { mirrors: [], key: [1, 2] })
    const { context, vocabulary } = model.config
    const rows = batchOfTokens(
      Array.from({ length: 49 }, (_, i) => vocabulary - 1 - (i % 7)),
      context,
      'text',
    )
    for (let step = 0; step < 5; step++) await learner.observe(rows)
    ungrow(model, record, [])
    for (let step = 0; step < 10; step++) await learner.observe(batchAt(step))
    expect(learner.step).toBe(15)
  },
)

test('what was seen of a block that was taken back is not taken for what another does', async () => {
  const learner = learnerWith(device, { freezing: soon() }, sgd({ learningRate: 0.01 }))
  const { model } = learner
  const record = await grow(model, { kind: 'addLayer', at: 0 }, { mirrors: [], key: [1, 2] })
  for (let step = 0; step < 10; step++) await learner.observe(batchAt(step))
  const seen = async (): Promise<unknown> => savedPart(await learner.toState(), 'freezing')
  const blocks = model.config.blocks.map(({ id }) => ({ block: id }))
  expect(await seen()).toMatchObject({
    histories: blocks.map((one) => ({ ...one, changes: [expect.any(Number)] })),
  })
  ungrow(model, record, [])
  for (let step = 10; step < 15; step++) await learner.observe(batchAt(step))
  expect(await seen()).toMatchObject({
    histories: model.config.blocks.map(({ id }) => ({ block: id, changes: [] })),
  })
})

test('a drift alarm or growth wakes all, and they may freeze again', async () => {
  for (const cause of ['drift', 'growth'] as const) {
    const detector = {
      name: 'at step 100',
      ...{ step: 0 },
      update() {
        const drift = ++this.step === 100 && cause === 'drift'
        return { drift, direction: drift ? ('up' as const) : null, estimate: 0 }
      },
      ...{ reset: () => {}, toState: () => null, restore: () => {} },
    }
    const growth = {
      ...{ name: 'at step 100', initial: null },
      decide: ({ step }: { readonly step: number }) => ({
        request:
          step === 100 && cause === 'growth' ? ({ kind: 'widenMlp', block: 'b0', to: 20 } as const) : null,
        ...{ reason: 'it is time', state: null },
      }),
    }
    const learner = learnerWith(device, { freezing: soon(), detector, growth })
    for (let step = 0; step < 220; step++) await learner.observe(batchAt(step))
    const events = learner.journal.flatMap((event) => (event.kind === 'freezing' ? [event] : []))
    const woken = events.find(({ data }) => data.blocks === 0)
    expect(woken).toMatchObject({ step: 100, data: { reason: cause } })
    expect(events.some(({ step, data }) => step > 100 && data.blocks > 0)).toBe(true)
    learner.dispose()
  }
})

test('resumed amid freezing, it ends with the same bits', async () => {
  const strategy = (): Strategy => ({
    freezing: soon(),
    rehearsal: reservoirReplay({ capacity: 6, share: 0.5, seed: 1 }),
    penalties: [onlineEwc({ strength: 1, decay: 0.9, seed: 1 })],
    consolidateWhen: ({ step }) => step === 20,
  })
  for (const cut of [17, 44, 70]) {
    const learns = (): LearnerOptions['optimizer'] => accumulate(2, optimizer())
    const whole = learnerWith(device, strategy(), learns())
    for (let step = 0; step < 90; step++) await whole.observe(batchAt(step))
    const first = learnerWith(device, strategy(), learns())
    for (let step = 0; step < cut; step++) await first.observe(batchAt(step))
    const resumed = Learner.fromState(structuredClone(await first.toState()), {
      ...{ optimizer: learns(), strategy: strategy(), device },
    })
    for (let step = cut; step < 90; step++) await resumed.observe(batchAt(step))
    expect(numbers(resumed)).toEqual(numbers(whole))
    expect(resumed.journal).toEqual(whole.journal)
    expect(whole.journal.some(({ kind }) => kind === 'freezing')).toBe(true)
  }
})

test('options out of range and states of something else are refused', () => {
  for (const bad of [
    { every: 0 },
    { every: 1.5 },
    { patience: 1 },
    { settle: 0 },
    { tolerance: 1 },
    { tolerance: -0.1 },
    { maxShare: 0 },
    { maxShare: 1 },
  ]) {
    expect(() => freezeConverged(bad)).toThrow(OptionError)
  }
  const freezing = freezeConverged()
  const before = freezing.toState()
  expect(() => freezing.restore({ kind: 'adaptive windowing' })).toThrow("expected 'freeze converged'")
  expect(() => freezing.restore({ kind: 'freeze converged', since: [-1] })).toThrow('expected steps')
  expect(freezing.toState()).toEqual(before)
})
