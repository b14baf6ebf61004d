/** Sleep in a learner: what it keeps, what it undoes to the bit, and what it leaves alone. */
import { adamw } from '@burgeon/autograd/optim'
import {
  chooseAmong,
  everySteps,
  heldBack,
  neverTrigger,
  onDrift,
  pageHinkley,
  rehearsalJob,
  reservoirReplay,
  sleep,
  type SleepJob,
  type SleepOptions,
  type Strategy,
} from '@burgeon/continual'
import { OptionError, StateError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { someOf } from '../how-long.ts'
import {
  batchAt,
  learnerOf,
  live,
  type Parts,
  partsWith,
  resumedFrom,
  sabotage,
  sleepsIn,
  wasm,
} from './sleepers.ts'

/** Small steps, so that what is rehearsed does no harm. */
const gentle = (
  jobs: readonly SleepJob[],
  options: Partial<SleepOptions> = {},
  more: Strategy = {},
): Parts => ({
  ...partsWith({
    sleep: sleep({ when: everySteps(6), jobs, share: 1, tolerance: 0.05, ...options }),
    ...more,
  }),
  optimizer: adamw({ learningRate: 1e-3 }),
})

describe('a life', () => {
  test('that is never due is the one without sleep, to the bit', async () => {
    const [without, beside] = [
      learnerOf(partsWith()),
      learnerOf(partsWith({ sleep: sleep({ when: neverTrigger, jobs: [rehearsalJob(), sabotage] }) })),
    ]
    expect(await live(beside, 15)).toEqual(await live(without, 15))
    const [own, other] = [await beside.toState(), await without.toState()]
    expect(own.model).toEqual(other.model)
    expect(own.parts.filter(({ role }) => role !== 'sleep')).toEqual(other.parts)
  })
  test('whose jobs are all undone is so too, but for what it says', async () => {
    const [without, beside] = [
      learnerOf(partsWith()),
      learnerOf(partsWith({ sleep: sleep({ when: everySteps(5), jobs: [sabotage], share: 1 }) })),
    ]
    const reports = await live(beside, 20)
    const bare = reports.map((report) => ({
      ...report,
      events: report.events.filter(({ kind }) => kind !== 'sleep'),
    }))
    expect(bare).toEqual(await live(without, 20))
    const [own, other] = [await beside.toState(), await without.toState()]
    expect(own.model).toEqual(other.model)
    expect(own.parts.filter(({ role }) => role !== 'sleep')).toEqual(other.parts)
    expect(own.rehearsed).toBe(other.rehearsed)
    const slept = sleepsIn(beside.journal)
    expect(slept).toHaveLength(4)
    expect(sleepsIn(reports.flatMap(({ events }) => events))).toEqual(slept)
    for (const { jobs } of slept) {
      expect(jobs).toHaveLength(1)
      const [{ job, kept, reason, before, after }] = jobs
      expect([job, kept]).toEqual(['sabotage', false])
      expect(reason).toMatch(/^took what was known: .* is worse by \d+\.\d+ bits/)
      expect(after).toBeGreaterThan(before as number)
    }
  })
  test('learns what it remembers, says so, and leaves record, detectors and memory alone', async () => {
    const learner = learnerOf(gentle([rehearsalJob()], { when: neverTrigger }, { detector: pageHinkley() }))
    await live(learner, 6)
    const before = structuredClone(await learner.toState())
    const report = await learner.sleep()
    const after = await learner.toState()
    const [{ kept, domains = {}, ...job }] = report.jobs
    expect(kept).toBe(true)
    expect(job.reason).toMatch(/steps of up to 8 remembered rows, whose loss was/)
    expect(domains.a.after).toBeLessThan(domains.a.before)
    expect(after.model.weights).not.toEqual(before.model.weights)
    expect(after).toMatchObject({ step: 6, losses: before.losses, lastDrift: before.lastDrift })
    expect(after.journal.slice(0, -1)).toEqual(before.journal)
    expect(after.journal.at(-1)).toMatchObject({ kind: 'sleep', step: 6, data: report })
    for (const role of ['detector', 'probes']) expect(stateOf(after, role)).toEqual(stateOf(before, role))
    const { random: _, ...memory } = stateOf(before, 'rehearsal') as Record<string, unknown>
    expect(stateOf(after, 'rehearsal')).toMatchObject(memory)
    expect(after.rehearsed).toBeGreaterThan(0)
  })
})

const stateOf = (
  state: { readonly parts: readonly { role: string; state: unknown }[] },
  wanted: string,
): unknown => state.parts.find(({ role }) => role === wanted)?.state

describe('the budget', () => {
  test('holds for all jobs together, looks included, and begins anew after each sleep', async () => {
    const second: SleepJob = { ...rehearsalJob(), name: 'again' }
    for (const share of [0.6, 1]) {
      const learner = learnerOf(
        gentle([rehearsalJob(), second], { share, when: everySteps(12), tolerance: 10 }),
      )
      await live(learner, 24)
      const slept = sleepsIn(learner.journal)
      expect(slept).toHaveLength(2)
      for (const { budget, operations, jobs } of slept) {
        expect(operations).toBeGreaterThan(0.3 * budget)
        expect(operations).toBeLessThanOrEqual(budget)
        expect(jobs.reduce((total, job) => total + job.operations, 0)).toBeCloseTo(operations, -1)
        expect(jobs.map(({ kept }) => kept)).toEqual([true, true])
      }
      // Nothing was done since, so nothing may be done.
      await learner.observe(batchAt(24))
      await learner.sleep()
      const [again] = (await learner.sleep()).jobs
      expect(again).toMatchObject({ kept: false, operations: 0, before: null })
      expect(again.reason).toContain('do not pay')
    }
  })
  test('of one step does as many steps as were asked for, and no more', async () => {
    const learner = learnerOf(gentle([rehearsalJob({ steps: 2, rows: 3 })]))
    await live(learner, 6)
    expect((await learner.toState()).rehearsed).toBe(2)
    expect(sleepsIn(learner.journal)[0].jobs[0].reason).toContain('2 steps of up to 3 remembered rows')
  })
})

describe('a job', () => {
  test.each<[string, Partial<SleepJob>, RegExp]>([
    ['that fails', { run: () => Promise.reject(new RangeError('no idea')) }, /RangeError: no idea/],
    ['that returns nonsense', { run: () => 3 as never }, /returned 3/],
    [
      'that learns and says nothing',
      {
        async run({ rehearse }) {
          await rehearse(2)
          return null
        },
      },
      /did not say so/,
    ],
  ])('%s is undone to the bit, whether it says that it changes weights or not', async (_, part, reason) => {
    for (const changesWeights of [true, false]) {
      const job: SleepJob = { name: 'wrong', changesWeights, ...(part as Pick<SleepJob, 'run'>) }
      const [learner, without] = [
        learnerOf(gentle([job])),
        learnerOf({ ...gentle([job]), strategy: partsWith().strategy ?? {} }),
      ]
      await live(learner, 7)
      await live(without, 7)
      const [{ jobs }] = sleepsIn(learner.journal)
      expect(jobs).toMatchObject([{ job: 'wrong', kept: false }])
      expect(jobs[0].reason).toMatch(reason)
      expect((await learner.toState()).model).toEqual((await without.toState()).model)
    }
  })
  test('with nothing to do leaves no word', async () => {
    const learner = learnerOf(gentle([{ name: 'idle', changesWeights: true, run: () => null }]))
    await live(learner, 7)
    expect(learner.journal).toEqual([])
  })
  test('after one that was undone begins from the moment before it', async () => {
    const both = learnerOf(gentle([sabotage, rehearsalJob({ steps: 2 })]))
    const one = learnerOf(gentle([{ ...sabotage, run: () => null }, rehearsalJob({ steps: 2 })]))
    await live(both, 7)
    await live(one, 7)
    expect(sleepsIn(both.journal)[0].jobs.map(({ kept }) => kept)).toEqual([false, true])
    const { model, parts } = await both.toState()
    const other = await one.toState()
    expect(model).toEqual(other.model)
    expect(parts).toEqual(other.parts)
  })
  test('without a row that is held back does not begin', async () => {
    const learner = learnerOf(gentle([rehearsalJob()], {}, { probes: heldBack({ share: 1e-9 }) }))
    await live(learner, 6)
    const [{ jobs }] = sleepsIn(learner.journal)
    expect(jobs).toMatchObject([{ kept: false, operations: 0 }])
    expect(jobs[0].reason).toContain('no rows are held back')
  })
})

test('saved after any step it goes on to the same bits, asleep at the same steps', async () => {
  const make = (): Parts => gentle([rehearsalJob({ steps: 3 }), sabotage])
  const whole = learnerOf(make())
  const reports = await live(whole, 20)
  const wanted = await whole.toState()
  const kept = sleepsIn(whole.journal).map(({ jobs }) => jobs.map((job) => job.kept))
  expect(kept).toContainEqual([true, false])
  for (const at of someOf([6, 5, 12, 11, 7, 17], 3)) {
    const learner = learnerOf(make())
    await live(learner, at)
    const resumed = resumedFrom(await learner.toState(), make())
    expect(await live(resumed, 20, at)).toEqual(reports.slice(at))
    expect(await resumed.toState()).toEqual(wanted)
  }
})

test('whoever looks meanwhile waits, and a fork does not sleep', async () => {
  const learner = learnerOf(gentle([rehearsalJob()], { when: neverTrigger }))
  await live(learner, 6)
  const before = await learner.predict('row 7')
  const slept = learner.sleep()
  const meanwhile = learner.predict('row 7')
  await slept
  const after = await learner.predict('row 7')
  expect(after).not.toEqual(before)
  expect(await meanwhile).toEqual(after)
  const fork = learner.fork()
  await expect(learner.sleep()).rejects.toThrow(/sleep while 1 of its forks/)
  await live(fork, 12, 6)
  await fork.drop()
  expect(sleepsIn(learner.journal)).toHaveLength(1)
})

test('it ends an open trial, and the next one begins', async () => {
  const choice = chooseAmong({ arms: { usual: {}, eager: { rate: 2 } }, every: 4, steps: 4 })
  const learner = learnerOf(
    gentle([rehearsalJob({ steps: 1 })], { when: ({ step }) => step === 6 }, { choice }),
  )
  await live(learner, 5)
  expect((await learner.toState()).trial).toBeDefined()
  await learner.observe(batchAt(5))
  expect((await learner.toState()).trial).toBeUndefined()
  await live(learner, 12, 6)
  expect(learner.journal.map(({ kind, step }) => `${kind} ${step}`)).toEqual(['sleep 6', 'choice 11'])
})

test('it frees what it holds, to the byte', async () => {
  const learner = learnerOf(gentle([rehearsalJob(), sabotage], { when: neverTrigger }))
  await live(learner, 6)
  await learner.sleep()
  const { bytes, buffers } = wasm.memory
  await live(learner, 12, 6)
  await learner.sleep()
  expect([wasm.memory.bytes, wasm.memory.buffers]).toEqual([bytes, buffers])
})

describe('it throws', () => {
  const jobs = [rehearsalJob()]
  test.each<[unknown, RegExp]>([
    [{ jobs }, /when/],
    [{ when: onDrift, jobs: [] }, /no jobs/],
    [{ when: onDrift, jobs: [{ name: 'x' }] }, /jobs/],
    [{ when: onDrift, jobs: [rehearsalJob(), rehearsalJob()] }, /two jobs named rehearsal/],
    [{ when: onDrift, jobs, share: 1.1 }, /share/],
    [{ when: onDrift, jobs, tolerance: -1 }, /tolerance/],
    [{ when: onDrift, jobs, budget: 1 }, /budget/],
  ])('for %j', (options, message) => {
    expect(() => sleep(options as never)).toThrow(OptionError)
    expect(() => sleep(options as never)).toThrow(message)
  })
  test('where nothing could judge it, nothing could set it off, or nothing is there', async () => {
    const own = sleep({ when: everySteps(2), jobs: [rehearsalJob()] })
    const rehearsal = reservoirReplay({ capacity: 4 })
    const made = (strategy: Strategy) => () =>
      learnerOf({ optimizer: adamw({ learningRate: 0.1 }), strategy })
    expect(made({ rehearsal, sleep: own })).toThrow(/no probes/)
    expect(made({ probes: heldBack(), sleep: own })).toThrow(/no rehearsal/)
    const waiting = sleep({ when: onDrift, jobs: [rehearsalJob()] })
    expect(made({ rehearsal, probes: heldBack(), sleep: waiting })).toThrow(/waits for drift/)
    await expect(learnerOf(partsWith()).sleep()).rejects.toThrow(/has no sleep/)
  })
  test('for a state of other jobs, or a damaged one', async () => {
    const learner = learnerOf(gentle([rehearsalJob()]))
    await live(learner, 2)
    const state = structuredClone(await learner.toState())
    for (const damaged of [
      null,
      { awake: -1, jobs: [null] },
      { awake: 1, jobs: [] },
      { awake: 1, jobs: 3 },
    ]) {
      const parts = state.parts.map((part) => (part.role === 'sleep' ? { ...part, state: damaged } : part))
      expect(() => resumedFrom({ ...state, parts }, gentle([rehearsalJob()]))).toThrow(StateError)
    }
    expect(() => resumedFrom(state, gentle([rehearsalJob(), sabotage]))).toThrow(/sleep: rehearsal, sabotage/)
  })
})
