/** A choice in a learner: trials change nothing but by what they decide, to the bit, whenever it is saved. */
import { adamw, chain, clipByGlobalNorm, sgd } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  chooseAmong,
  type Choice,
  type ChooseAmongOptions,
  classifier,
  type Controller,
  type DenseNetwork,
  type DenseState,
  denseFromState,
  dryRunChoice,
  growOnSchedule,
  growingVocabulary,
  heldBack,
  joinBatches,
  Learner,
  type LearnerEvent,
  type LearnerOptions,
  type LearnerState,
  type NetworkStrategy,
  onlineEwc,
  everySteps,
  pageHinkley,
  reservoirReplay,
  type StepReport,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { type Device, OptionError, StateError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { someOf } from '../how-long.ts'
import { examples } from '../models/linear-model.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const wasm = openWasm({ threads: 1 })

/** Four rows, some of which are held back. */
function batchAt(step: number): TokenBatch {
  const rows = Array.from({ length: 4 }, (_, row) =>
    batchOfTokens(bytes(`row ${step * 7 + row}, ${step} ${row}`.padEnd(9, '.')), 8, step < 12 ? 'a' : 'b'),
  )
  return joinBatches(rows)
}

type Parts = Omit<LearnerOptions, 'model'>
const partsOf = (choice: ChooseAmongOptions | null, more: Strategy = {}): Parts => ({
  optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
  strategy: {
    rehearsal: reservoirReplay({ capacity: 20, share: 0.5, seed: 1 }),
    probes: heldBack({ share: 0.3, capacity: 40 }),
    ...(choice && { choice: chooseAmong(choice) }),
    ...more,
  },
})

const learnerOf = (parts: Parts, device: Device = wasm): Learner =>
  new Learner({
    model: Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }, { seed: 1, device }),
    ...parts,
  })

async function live(
  one: { observe(batch: TokenBatch): Promise<StepReport> },
  to: number,
  from: number = 0,
): Promise<StepReport[]> {
  const reports: StepReport[] = []
  for (let step = from; step < to; step++) reports.push(await one.observe(batchAt(step)))
  return reports
}

type ChoiceEvent = Extract<LearnerEvent, { kind: 'choice' }>
const choicesIn = (events: readonly LearnerEvent[]): ChoiceEvent[] =>
  events.flatMap((event) => (event.kind === 'choice' ? [event] : []))
const weightsOf = async ({ model }: Learner): Promise<unknown> => (await model.toState()).weights
const withoutChoices = (report: StepReport): StepReport => ({
  ...report,
  events: report.events.filter(({ kind }) => kind !== 'choice'),
})

/** Trials of four steps, the first after five, the next ten after its end unless something changed. */
const often = { every: 20, steps: 4 }
/** The second arm is far better: the first hardly learns. */
const slow = { arms: { slow: { rate: 0.01 }, usual: {} }, ...often }

describe('a life', () => {
  test('with one arm is the one without a choice, to the bit', async () => {
    const [without, beside] = [learnerOf(partsOf(null)), learnerOf(partsOf({ arms: { only: {} }, ...often }))]
    expect(await live(beside, 20)).toEqual(await live(without, 20))
    expect(await weightsOf(beside)).toEqual(await weightsOf(without))
  })
  test('with equal arms is so too: they tie to the bit, and the first goes on', async () => {
    const arms = { a: {}, b: {}, c: { rate: 1 } }
    const [without, beside] = [learnerOf(partsOf(null)), learnerOf(partsOf({ arms, ...often }))]
    const reports = await live(beside, 32)
    expect(reports.map(withoutChoices)).toEqual(await live(without, 32))
    expect(await weightsOf(beside)).toEqual(await weightsOf(without))
    const events = choicesIn(beside.journal)
    expect(events).toEqual(choicesIn(reports.flatMap((report) => report.events)))
    expect(events.length).toBeGreaterThan(1)
    for (const { data } of events) {
      expect(data.goesOn).toBe('a')
      const [a, b, c] = data.outcome.arms
      expect([b.gain, b.error, c.gain, c.error]).toEqual([0, 0, 0, 0])
      expect([b.bits, c.bits]).toEqual([a.bits, a.bits])
    }
  })
  test('in which arms lose is the one without a choice but for what they cost', async () => {
    const arms = { usual: {}, none: { rate: 0 }, wild: { rate: 1e38 } }
    const [without, beside] = [learnerOf(partsOf(null)), learnerOf(partsOf({ arms, ...often }))]
    const reports = await live(beside, 20)
    expect(reports.map(withoutChoices)).toEqual(await live(without, 20))
    expect(await weightsOf(beside)).toEqual(await weightsOf(without))
    const [{ data }] = choicesIn(beside.journal)
    const [, none, wild] = data.outcome.arms
    expect(none.gain).toBeLessThan(0)
    expect(wild.bits).toBeNull()
    // Two arms beside the first, of as many steps, and a look at every row that is held back.
    expect(data.outcome.extra).toBeGreaterThan(data.outcome.arms[0].operations)
  })
  test('goes on in the better arm from what it has reached in the second trial, record included', async () => {
    const learner = learnerOf(partsOf(slow))
    const reports = await live(learner, 16)
    const [first, second] = choicesIn(learner.journal)
    expect([first.data.goesOn, second.data.goesOn]).toEqual(['slow', 'usual'])
    expect(second.step).toBe(first.step + 4)
    // The same by hand.
    const byHand = learnerOf(partsOf({ ...slow, arms: { slow: slow.arms.slow } }))
    await live(byHand, first.step)
    const fork = byHand.fork({ rate: 100 })
    await live(fork, second.step, first.step)
    await fork.keep()
    const { losses } = await byHand.toState()
    const state = await stateAt(partsOf(slow), second.step)
    expect(state.losses).toEqual(losses)
    expect(state.model.weights).toEqual((await byHand.toState()).model.weights)
    // Each step was reported as it was lived first.
    expect(reports.map(({ step }) => step)).toEqual(reports.map((_, i) => i + 1))
  })
})

async function stateAt(parts: Parts, steps: number): Promise<LearnerState> {
  const learner = learnerOf(parts)
  await live(learner, steps)
  return learner.toState()
}

/** A life of many parts that switches its arm, and grows in a trial. */
const many = (): Parts => ({
  ...partsOf(slow, {
    penalties: [onlineEwc({ strength: 1, decay: 0.9, seed: 1 })],
    consolidateWhen: everySteps(3),
    detector: pageHinkley({ mode: 'up', delta: 0.1, threshold: 1, minSamples: 3 }),
    growth: growOnSchedule([{ step: 8, request: { kind: 'widenMlp', block: 'b0', to: 12 } }]),
  }),
  optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: 1e-2 })),
})

describe('saved after any step, also in the middle of a trial', () => {
  test('it goes on to the same bits', async () => {
    const steps = 18
    const whole = learnerOf(many())
    const reports = await live(whole, steps)
    expect(choicesIn(whole.journal).map(({ data }) => data.goesOn)).toContain('usual')
    const wanted = await whole.toState()
    for (const at of someOf([6, 1, 3, 5, 9, 10, 8, 11, 13, 14, 7, 17, 12], 3)) {
      const learner = learnerOf(many())
      await live(learner, at)
      const state = structuredClone(await learner.toState())
      // To save is to change nothing.
      expect(await learner.toState()).toEqual(state)
      const resumed = Learner.fromState(state, { ...many(), device: wasm })
      expect(await live(resumed, steps, at)).toEqual(reports.slice(at))
      expect(await resumed.toState()).toEqual(wanted)
    }
  })
  test('a trial of another strategy, or a damaged one, is refused', async () => {
    const learner = learnerOf(many())
    await live(learner, 7)
    const state = structuredClone(await learner.toState())
    const { trial } = state
    if (trial === undefined) throw new Error('no trial is open')
    const from =
      (changed: object): (() => unknown) =>
      () =>
        Learner.fromState({ ...state, trial: { ...trial, ...changed } }, { ...many(), device: wasm })
    expect(from({ part: 'another' })).toThrow(/another.*not in this strategy/)
    for (const changed of [
      { sum: { count: 2, sums: {} } },
      { observed: 3 },
      { plan: {} },
      { operations: -1 },
    ]) {
      expect(from(changed)).toThrow(StateError)
    }
    const parts = trial.beginning.parts.map((part) => ({ ...part, state: 3 }))
    expect(from({ beginning: { ...trial.beginning, parts } })).toThrow(StateError)
  })
})

describe('with an adapter', () => {
  const parts = (choice: ChooseAmongOptions | null): Parts => ({ ...partsOf(choice), adapter: { rank: 2 } })
  test('equal arms are to the bit the life without a choice, and it goes on from the middle of a trial', async () => {
    const equal = { arms: { a: {}, b: {} }, ...often }
    const [beside, without] = [learnerOf(parts(equal)), learnerOf(parts(null))]
    await live(without, 12)
    const reports = await live(beside, 7)
    const state = structuredClone(await beside.toState())
    reports.push(...(await live(beside, 12, 7)))
    const { adapter } = beside
    expect(await adapter?.toState()).toEqual(await without.adapter?.toState())
    const resumed = Learner.fromState(state, { ...parts(equal), device: wasm })
    expect(await live(resumed, 12, 7)).toEqual(reports.slice(7))
    expect(await resumed.toState()).toEqual(await beside.toState())
    expect(choicesIn(beside.journal)[0].data.outcome.arms[1].gain).toBe(0)
  })
  test('the mean of its weights judges it', async () => {
    const gains = await Promise.all(
      [true, false].map(async (averaged) => {
        const learner = learnerOf(parts({ arms: { a: {}, b: { rate: 3 } }, ...often, judge: { averaged } }))
        await live(learner, 9)
        return choicesIn(learner.journal)[0].data.outcome.arms[1].gain
      }),
    )
    expect(gains[0]).not.toBe(gains[1])
  })
})

test('a classifier chooses, also resumed in the middle of a trial in which it grows', async () => {
  const parts = () => ({
    optimizer: adamw({ learningRate: 1e-2 }),
    strategy: {
      probes: heldBack({ share: 0.3 }),
      growth: growOnSchedule([{ step: 8, request: { kind: 'widenHidden', layer: 0, to: 7 } }]),
      choice: chooseAmong(slow),
    } satisfies NetworkStrategy,
  })
  const born = () => classifier({ inputs: 3, hidden: [4], classes: 2, seed: 1, device: wasm })
  const lived = async (learner: Learner<DenseNetwork>, from: number, to: number): Promise<unknown[]> => {
    const reports: unknown[] = []
    for (let step = from; step < to; step++)
      reports.push(await learner.observe(examples(8 * step, 8 * step + 8)))
    return reports
  }
  const whole = new Learner({ model: born(), ...parts() })
  const reports = await lived(whole, 0, 16)
  expect(choicesIn(whole.journal).length).toBeGreaterThan(1)
  for (const at of [7, 9]) {
    const learner = new Learner({ model: born(), ...parts() })
    await lived(learner, 0, at)
    const state = structuredClone(await learner.toState())
    const modelFromState = (saved: DenseState): DenseNetwork => denseFromState(saved, wasm)
    const resumed = Learner.fromState<DenseNetwork>(state, { ...parts(), modelFromState })
    expect(await lived(resumed, at, 16)).toEqual(reports.slice(at))
    expect(await resumed.toState()).toEqual(await whole.toState())
  }
})

test('it frees what trials hold, to the byte', async () => {
  const before = { ...wasm.memory }
  const of = { arms: { usual: {}, slow: { rate: 0.1 }, old: { rehearsalShare: 2 }, wild: { rate: 1e38 } } }
  const learner = learnerOf(partsOf({ ...of, ...often }))
  await live(learner, 4)
  const { bytes: usual, buffers } = wasm.memory
  await live(learner, 9, 4)
  expect(choicesIn(learner.journal)).toHaveLength(1)
  expect([wasm.memory.bytes, wasm.memory.buffers]).toEqual([usual, buffers])
  // In the middle of the next.
  await live(learner, 21, 9)
  expect(wasm.memory.bytes).toBeGreaterThan(usual)
  learner.dispose()
  learner.model.dispose()
  expect([wasm.memory.bytes, wasm.memory.buffers]).toEqual([before.bytes, before.buffers])
})

test('the journal tells the same decisions again, and what each cost', async () => {
  const arms = { slow: { rate: 0.01 }, usual: {}, eager: { rate: 2 }, old: { rehearsalShare: 2 } }
  const options = { arms, every: 3, steps: 4, rivals: 2, seed: 5 }
  const learner = learnerOf(partsOf(options))
  await live(learner, 48)
  const events = choicesIn(learner.journal)
  expect(new Set(events.map(({ data }) => data.goesOn)).size).toBeGreaterThan(1)
  const again = dryRunChoice(
    chooseAmong(options),
    JSON.parse(JSON.stringify(learner.journal)) as LearnerEvent[],
  )
  expect(again).toEqual(events.map(({ step, data: { goesOn, reason } }) => ({ step, goesOn, reason })))
})

test('knobs of the arm that is lived multiply those of a controller', async () => {
  const halved: Controller<null> = {
    name: 'half',
    initial: null,
    decide: () => ({ knobs: { rate: 0.5 }, reason: null, state: null }),
  }
  const updateOf = async (arms: ChooseAmongOptions['arms'], more: Strategy): Promise<number> => {
    const learner = learnerOf({ ...partsOf({ arms }, more), optimizer: sgd({ learningRate: 0.1 }) })
    const [, second] = await live(learner, 2)
    return second.updateNorm
  }
  // The controller decides after the first step.
  const [usual, both] = [
    await updateOf({ a: {} }, {}),
    await updateOf({ a: { rate: 3 } }, { controller: halved }),
  ]
  expect(both / usual).toBeGreaterThan(1.2)
  expect(both / usual).toBeLessThan(1.8)
})

test('whoever gave the rows of a trial may write to them again', async () => {
  const [learner, other] = [learnerOf(partsOf(slow)), learnerOf(partsOf(slow))]
  await live(other, 16)
  for (let step = 0; step < 16; step++) {
    const batch = batchAt(step)
    await learner.observe(batch)
    batch.tokens.fill(1)
  }
  expect(await learner.toState()).toEqual(await other.toState())
})

test('a choice that fails takes its trial with it, and the learner stays what its first arm made it', async () => {
  const failing: Choice = {
    ...(chooseAmong({ arms: { a: {}, b: { rate: 3 } }, ...often }) as Choice),
    decide() {
      throw new RangeError('no idea')
    },
  }
  const [learner, without] = [learnerOf(partsOf(null, { choice: failing })), learnerOf(partsOf(null))]
  await live(learner, 8)
  await expect(learner.observe(batchAt(8))).rejects.toThrow('no idea')
  await live(without, 9)
  expect(learner.step).toBe(9)
  expect(await weightsOf(learner)).toEqual(await weightsOf(without))
  expect((await learner.toState()).trial).toBeUndefined()
  expect(await live(learner, 10, 9)).toEqual(await live(without, 10, 9))
})

describe('in the middle of a trial', () => {
  test('a fork that is dropped leaves it as it was', async () => {
    const [learner, never] = [learnerOf(partsOf(slow)), learnerOf(partsOf(slow))]
    await live(learner, 7)
    const fork = learner.fork({ rate: 5 })
    await live(fork, 10, 7)
    await fork.drop()
    await live(learner, 16, 7)
    await live(never, 16)
    expect(await learner.toState()).toEqual(await never.toState())
  })
  test('a fork that is kept, or a rehearsal, ends it without a decision, and the next one is due at once', async () => {
    const ended = [
      async (learner: Learner): Promise<void> => {
        const fork = learner.fork()
        await live(fork, 8, 7)
        await fork.keep()
      },
      async (learner: Learner): Promise<void> => {
        await learner.rehearse(1)
        await live(learner, 8, 7)
      },
    ]
    for (const end of ended) {
      const learner = learnerOf(partsOf(slow))
      await live(learner, 7)
      expect((await learner.toState()).trial?.observed).toHaveLength(2)
      await end(learner)
      await live(learner, 9, 8)
      expect(choicesIn(learner.journal)).toEqual([])
      await live(learner, 13, 9)
      expect(choicesIn(learner.journal)).toHaveLength(1)
    }
  })
  test('whoever asks while arms are lived sees the learner alone', async () => {
    const learner = learnerOf(partsOf({ arms: { usual: {}, wild: { rate: 50 } }, ...often }))
    await live(learner, 8)
    const before = await learner.predict('row 1')
    const without = learnerOf(partsOf(null))
    await live(without, 9)
    const after = await without.predict('row 1')
    const until = { isDone: false }
    const step = learner.observe(batchAt(8)).finally(() => (until.isDone = true))
    let seen = 0
    while (!until.isDone) {
      const prediction = await learner.predict('row 1')
      expect([before, after]).toContainEqual(prediction)
      seen++
    }
    await step
    expect(choicesIn(learner.journal)).toHaveLength(1)
    expect(seen).toBeGreaterThan(0)
    expect(await learner.predict('row 1')).toEqual(after)
  })
})

test('a choice without probes, or beside a growing vocabulary, is refused', () => {
  const choice = chooseAmong({ arms: { a: {}, b: {} } })
  const optimizer = sgd(0.1)
  const of = (strategy: Strategy) => () => learnerOf({ optimizer, strategy })
  expect(of({ choice })).toThrow(/"one of a, b", which judges by rows that are held back, and no probes/)
  expect(of({ choice })).toThrow(OptionError)
  const vocabulary = growingVocabulary({ tokens: 300 })
  expect(of({ choice, probes: heldBack(), vocabulary })).toThrow(/does not grow/)
})
