/** Growth that is tried before it stands. */
import { adamw } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  budgeted,
  dryRun,
  firstOf,
  growByTrial,
  growOnPlateau,
  growOnSchedule,
  type GrowthPolicy,
  growthTrialsIn,
  heldBack,
  joinBatches,
  Learner,
  type LearnerEvent,
  type LearnerOptions,
  neverGrow,
  onApproval,
  onlineEwc,
  everySteps,
  reservoirReplay,
  type StepReport,
  type TokenBatch,
  type TriedArm,
} from '@burgeon/continual'
import { checkGrowthPolicy } from '@burgeon/continual/testing'
import { Gpt } from '@burgeon/gpt'
import { OptionError, StateError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { someOf } from '../how-long.ts'

const device = openWasm({ threads: 1 })
const wider = { kind: 'widenMlp', block: 'b0', to: 12 } as const
const layer = { kind: 'addLayer', at: 1, how: 'copy' } as const

describe('what is decided', () => {
  const tried = (arm: string, gain: number, error: number, operations: number): TriedArm => ({
    ...{ arm, bits: 3 - gain, gain, error, operations },
  })
  const decided = (progress: number, ...others: readonly TriedArm[]): string | undefined => {
    const arms = [tried('as it is', 0, 0, 100), ...others]
    return growByTrial({ when: neverGrow }).trial?.decide({ step: 9, rows: 20, arms, extra: 1, progress })
      .goesOn
  }
  test('is that nothing grows where nothing is better beyond its error', () => {
    expect(decided(0, tried('wider', 0.01, 0.008, 120), tried('layer', -0.2, 0.01, 150))).toBe('as it is')
    expect(decided(0, tried('wider', 0, 0, 120))).toBe('as it is')
    expect(decided(0, { ...tried('wider', 0, 0, 120), bits: null })).toBe('as it is')
  })
  test('is the candidate that gains most beyond what its operations would have brought', () => {
    const both = [tried('wider', 0.05, 0.01, 120), tried('layer', 0.08, 0.01, 200)]
    expect(decided(0, ...both)).toBe('layer')
    // Not growing gains 0.05 bits in as many operations as it has taken.
    expect(decided(0.05, ...both)).toBe('wider')
    expect(decided(0.3, ...both)).toBe('as it is')
    // A model that becomes worse gives no candidate a bonus.
    expect(decided(-1, tried('wider', -0.01, 0.001, 120))).toBe('as it is')
  })
})

test('it asks when the other policy asks, and then rests, longer where nothing grows', () => {
  const when: GrowthPolicy<number> = {
    name: 'always',
    initial: 0,
    decide: (_, __, asked) => ({ request: layer, reason: 'always', state: asked + 1 }),
  }
  const policy = growByTrial({ when, steps: 10, patience: 20 })
  const [config, budget] = [
    Gpt.create({ layers: 1, context: 4, embed: 4, heads: 2 }).config,
    { parameters: 1e9 },
  ]
  let { initial: state } = policy
  const asked: number[] = []
  for (let step = 1; step <= 300; step++) {
    // What is tried from step 175 on stands.
    const stepsSinceGrowth = step < 175 ? step : step - 175
    const signals = { step, losses: [], stepsSinceGrowth, stepsSinceDrift: null, config, parameters: 1 }
    const decision = policy.decide(signals, budget, state)
    state = decision.state
    if (decision.request !== null) asked.push(step)
  }
  expect(asked).toEqual([1, 32, 83, 174, 205, 236, 287])
  expect(state).toEqual({ inner: 7, asked: 287, inVain: 2 })
})

test('it keeps the contract of a growth policy', () => {
  const policy = growByTrial({ when: growOnPlateau({ window: 20, patience: 20 }), steps: 2, patience: 10 })
  const results = checkGrowthPolicy(policy as GrowthPolicy, { asksIn: ['plateau'] })
  expect(results.filter(({ holds }) => !holds)).toEqual([])
})

/** Four rows, some of which are held back. */
function batchAt(step: number): TokenBatch {
  const rows = Array.from({ length: 4 }, (_, row) => {
    const text = `row ${step * 7 + row}, ${step} ${row}`.padEnd(9, '.')
    return batchOfTokens(new TextEncoder().encode(text), 8, 'rows')
  })
  return joinBatches(rows)
}

type Parts = Omit<LearnerOptions, 'model'>
const partsOf = (growth?: GrowthPolicy): Parts => ({
  optimizer: adamw({ learningRate: 1e-2 }),
  strategy: {
    rehearsal: reservoirReplay({ capacity: 20, share: 0.5, seed: 1 }),
    probes: heldBack({ share: 0.3, capacity: 40 }),
    // What is new is protected as in any step.
    penalties: [onlineEwc({ strength: 1, decay: 0.9, seed: 1 })],
    consolidateWhen: everySteps(3),
    ...(growth && { growth }),
  },
})
const learnerOf = (parts: Parts, budget = 1e9): Learner =>
  new Learner({
    model: Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }, { seed: 1, device }),
    budget: { parameters: budget },
    ...parts,
  })

async function live(learner: Learner, to: number, from: number = 0): Promise<StepReport[]> {
  const reports: StepReport[] = []
  for (let step = from; step < to; step++) reports.push(await learner.observe(batchAt(step)))
  return reports
}

/** Asks once, after step 6, so the trial is lived from step 7 to 10. Which candidate stands is given. */
const trialOf = (stands: string): GrowthPolicy => {
  const policy = growByTrial({
    when: growOnSchedule([{ step: 6, request: layer }]),
    candidates: { wider: () => wider },
    steps: 4,
  })
  const decide = (): { goesOn: string; reason: string } => ({ goesOn: stands, reason: 'so it is' })
  return { ...policy, trial: { ...policy.trial, decide } } as GrowthPolicy
}

type Tried = Extract<LearnerEvent, { kind: 'growth tried' }>
const triedIn = (events: readonly LearnerEvent[]): Tried[] =>
  events.flatMap((event) => (event.kind === 'growth tried' ? [event] : []))

const weightsOf = async ({ model }: Learner): Promise<unknown> => (await model.toState()).weights

describe('in a learner', () => {
  test('where nothing stands, it is to the bit the life that never grows', async () => {
    const [tried, never] = [learnerOf(partsOf(trialOf('as it is'))), learnerOf(partsOf())]
    const reports = await live(tried, 14)
    const wanted = await live(never, 14)
    expect(reports.map((report) => ({ ...report, events: [] }))).toEqual(
      wanted.map((report) => ({ ...report, events: [] })),
    )
    expect(await weightsOf(tried)).toEqual(await weightsOf(never))
    const [{ data }] = triedIn(tried.journal)
    expect([data.asked, data.outcome.step, data.goesOn]).toEqual([6, 10, 'as it is'])
    expect(data.outcome.arms.map(({ arm }) => arm)).toEqual(['as it is', 'as asked', 'wider'])
    const [asItIs, ...others] = data.outcome.arms
    for (const { operations } of others) expect(operations).toBeGreaterThan(asItIs.operations)
    expect(data.outcome.progress).not.toBeNull()
  })
  test.each([
    ['as asked', layer],
    ['wider', wider],
  ])(
    'where %s stands, it is to the bit the life that has grown so after the first of its steps',
    async (name, request) => {
      const tried = learnerOf(partsOf(trialOf(name)))
      const grown = learnerOf(partsOf(growOnSchedule([{ step: 7, request }])))
      const reports = await live(tried, 14)
      await live(grown, 14)
      expect(await weightsOf(tried)).toEqual(await weightsOf(grown))
      expect((await tried.toState()).losses).toEqual((await grown.toState()).losses)
      expect(tried.journal.filter(({ kind }) => kind === 'growth').map(({ step }) => step)).toEqual([7])
      expect(reports[9].parameters).toBe(grown.model.parameters.size)
      expect(reports[8].parameters).toBeLessThan(reports[9].parameters)
    },
  )
  test('saved after any step it goes on to the same bits, and the journal tells the same again', async () => {
    const parts = (): Parts => partsOf(trialOf('wider'))
    const whole = learnerOf(parts())
    const reports = await live(whole, 12)
    const wanted = await whole.toState()
    for (const at of someOf([6, 3, 7, 9, 8, 11, 10], 3)) {
      const learner = learnerOf(parts())
      await live(learner, at)
      const state = structuredClone(await learner.toState())
      const resumed = Learner.fromState(state, { ...parts(), budget: { parameters: 1e9 }, device })
      expect(await live(resumed, 12, at)).toEqual(reports.slice(at))
      expect(await resumed.toState()).toEqual(wanted)
    }
    const journal = JSON.parse(JSON.stringify(whole.journal)) as LearnerEvent[]
    const { config, parameters } = learnerOf(partsOf()).model
    const growths = dryRun(trialOf('wider'), {
      ...{ config, parameters: parameters.size, trials: growthTrialsIn(journal) },
      losses: reports.map(({ bitsPerByte }) => bitsPerByte * Math.LN2),
    })
    expect(growths.map(({ step, request, parameters: size }) => ({ step, request, size }))).toEqual([
      { step: 7, request: wider, size: whole.model.parameters.size },
    ])
  })
  test('what would exceed the budget is not tried, and where nothing is left that is said', async () => {
    const { size } = learnerOf(partsOf()).model.parameters
    const some = learnerOf(partsOf(trialOf('as it is')), size + 100)
    await live(some, 10)
    expect(triedIn(some.journal)[0].data.outcome.arms.map(({ arm }) => arm)).toEqual(['as it is', 'wider'])
    const none = learnerOf(partsOf(trialOf('as it is')), size)
    await live(none, 10)
    expect(none.journal.map(({ kind, summary }) => [kind, summary])).toContainEqual([
      'growth refused',
      expect.stringContaining('no candidate is within the budget'),
    ])
  })
  test('a damaged state of what is tried is refused', async () => {
    const learner = learnerOf(partsOf(trialOf('wider')))
    await live(learner, 8)
    const state = structuredClone(await learner.toState())
    for (const tried of [
      3,
      { asked: -1 },
      { asked: 6, reason: 'x', candidates: { a: 1 }, arm: null, isDone: true },
    ]) {
      const parts = state.parts.map((part) =>
        part.role === 'growth' ? { ...part, state: { ...(part.state as object), tried } } : part,
      )
      expect(() => Learner.fromState({ ...state, parts }, { ...partsOf(trialOf('wider')), device })).toThrow(
        StateError,
      )
    }
  })
})

test('it is refused where nothing would be tried or judged', () => {
  const policy = growByTrial({ when: growOnPlateau({ window: 8, patience: 8 }) })
  for (const around of [
    () => firstOf(policy as GrowthPolicy),
    () => budgeted(policy, { growths: 1 }),
    () => onApproval(policy),
    () => growByTrial({ when: policy }),
  ]) {
    expect(around).toThrow(/would not be tried in here/)
    expect(around).toThrow(OptionError)
  }
  expect(() => growByTrial({ when: neverGrow, candidates: { 'as asked': () => layer } })).toThrow(
    'another name',
  )
  const strategy = { growth: policy as GrowthPolicy }
  expect(() => learnerOf({ optimizer: adamw({ learningRate: 0.1 }), strategy })).toThrow(
    /by trial".*no probes/,
  )
})
