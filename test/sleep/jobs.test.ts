/** The jobs of a sleep, one by one: what each does, and where it refuses to be. */
import { adamw, sgd } from '@burgeon/autograd/optim'
import {
  type Batch,
  classifier,
  consolidationJob,
  type Controller,
  contextLabels,
  dreamJob,
  everySteps,
  growByTrial,
  growOnSchedule,
  growOnConflict,
  type GrowthPolicy,
  growthJob,
  heldBack,
  Learner,
  neverTrigger,
  onlineEwc,
  type Penalty,
  pruneDormant,
  rehearsalJob,
  reservoirReplay,
  sleep,
  type SleepContext,
  type SleepJob,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { multiply, OptionError, scope } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { examples } from '../models/linear-model.ts'
import { batchAt, learnerOf, live, type Parts, partsWith, resumedFrom, sleepsIn, wasm } from './sleepers.ts'

const sleeping = (jobs: readonly SleepJob[], more: Strategy = {}, tolerance: number = 10): Parts => ({
  ...partsWith({ sleep: sleep({ when: everySteps(12), jobs, share: 1, tolerance }), ...more }),
  optimizer: adamw({ learningRate: 1e-3 }),
})

/** Sees the rows of every step that is learnt. */
function witness(): Penalty & { readonly seen: Batch[] } {
  const seen: Batch[] = []
  return {
    name: 'witness',
    seen,
    mirrors: [],
    loss(_, { batch }) {
      seen.push(batch)
      return null
    },
    consolidate: () => {},
    toState: () => Promise.resolve(null),
    restore: () => {},
  }
}

/** Rows without the padding at their end. */
const rowsOf = ({ rows, length, tokens }: TokenBatch): number[][] =>
  Array.from({ length: rows }, (_, row) =>
    [...tokens.subarray(row * (length + 1), (row + 1) * (length + 1))].filter((token) => token >= 0),
  )
const beginningOf = (row: readonly number[]): string => String(row.slice(0, Math.ceil(row.length / 4)))

describe('dreams', () => {
  test('are a quarter of what is learnt, marked as the model’s own, and go on from what is remembered', async () => {
    const penalty = witness()
    const learner = learnerOf(sleeping([dreamJob({ steps: 4 })], { penalties: [penalty] }))
    await live(learner, 11)
    const awake = penalty.seen.length
    await learner.observe(batchAt(11))
    const [{ jobs }] = sleepsIn(learner.journal)
    expect(jobs).toMatchObject([{ job: 'dreams', kept: true }])
    expect(jobs[0].reason).toContain('4 steps of 2 dreams in 8 rows')
    const dreamt = penalty.seen.slice(awake + 1) as TokenBatch[]
    expect(dreamt).toHaveLength(4)
    const remembered = new Set<string>()
    for (let step = 0; step < 12; step++)
      rowsOf(batchAt(step)).forEach((row) => remembered.add(beginningOf(row)))
    const dreams = dreamt.flatMap((batch) => {
      expect(batch.rows).toBe(8)
      const { origins = [], domains } = batch
      const own = rowsOf(batch).filter((_, row) => origins[row]?.source === 'self')
      expect(own).toHaveLength(2)
      origins.forEach((origin, row) => expect(origin?.domain ?? domains[row]).toBe(domains[row]))
      return own
    })
    for (const dream of dreams) expect(remembered).toContain(beginningOf(dream))
    // They are drawn.
    expect(new Set(dreams.map(String)).size).toBeGreaterThan(4)
  })
  test('are never remembered, and are on no record', async () => {
    const learner = learnerOf(sleeping([dreamJob()]))
    await live(learner, 30)
    expect(sleepsIn(learner.journal).map(({ jobs }) => jobs[0].kept)).toEqual([true, true])
    const text = JSON.stringify(await learner.toState(), (_, value: unknown) =>
      ArrayBuffer.isView(value) ? Array.from(value as Uint8Array) : value,
    )
    expect(text).not.toContain('"self"')
    expect(learner.step).toBe(30)
  })
  test('are the same in a resumed life', async () => {
    const make = (): Parts => sleeping([dreamJob({ rows: 4 })])
    const whole = learnerOf(make())
    await live(whole, 26)
    const first = learnerOf(make())
    await live(first, 12)
    const resumed = resumedFrom(await first.toState(), make())
    await live(resumed, 26, 12)
    expect(await resumed.toState()).toEqual(await whole.toState())
  })
  test('are dreamt by an adapter where one learns', async () => {
    const learner = learnerOf({ ...sleeping([dreamJob({ steps: 2 })]), adapter: { rank: 2 } })
    await live(learner, 12)
    expect(sleepsIn(learner.journal)[0].jobs).toMatchObject([{ job: 'dreams', kept: true }])
  })
  test('stay as they are in kind: pieces of four bytes are no rarer after ten sleeps', async () => {
    const distinct = async (jobs: readonly SleepJob[]): Promise<number> => {
      const learner = learnerOf(sleeping([rehearsalJob({ steps: 1 }), ...jobs], {}, 10))
      await live(learner, 12 * 10)
      const { tokens } = await learner.model.generate(Int32Array.of(114), { tokens: 400, seed: 3 })
      const pieces = Array.from({ length: tokens.length - 3 }, (_, i) => String(tokens.slice(i, i + 4)))
      return new Set(pieces).size / pieces.length
    }
    const [without, beside] = [await distinct([]), await distinct([dreamJob()])]
    expect(beside).toBeGreaterThan(0.95 * without)
  })
})

describe('consolidation', () => {
  test('protects the present weights, with an event for each part', async () => {
    const penalties = [onlineEwc({ strength: 1, rows: 8, seed: 1 })]
    const learner = learnerOf(sleeping([consolidationJob()], { penalties, consolidateWhen: neverTrigger }))
    await live(learner, 12)
    expect(learner.journal.map(({ kind, step }) => `${kind} ${step}`)).toEqual([
      'consolidation 12',
      'sleep 12',
    ])
    const { losses } = await learner.rehearse(2)
    expect(losses).toHaveLength(2)
    const report = await learner.observe(batchAt(12))
    expect(Object.values(report.penalties)[0]).toBeGreaterThan(0)
  })
  test('waits where the operations are too few', async () => {
    const penalties = [onlineEwc({ strength: 1, rows: 200, seed: 1 })]
    const parts = sleeping([consolidationJob()], { penalties, consolidateWhen: neverTrigger })
    const few = sleep({ when: everySteps(12), jobs: [consolidationJob()], share: 0.01 })
    const learner = learnerOf({ ...parts, strategy: { ...parts.strategy, sleep: few } })
    await live(learner, 12)
    expect(learner.journal).toEqual([])
  })
})

/** Can do no more from some step on. */
const stuck: Controller<number> = {
  name: 'stuck',
  initial: 0,
  maySaturate: true,
  decide: ({ step }) => ({ knobs: {}, reason: null, isSaturated: step >= 9, state: step }),
}
const soon = growOnSchedule([{ step: 12, request: { kind: 'widenMlp', block: 'b0', to: 12 } }])
const growthsIn = (learner: Learner): string[] =>
  learner.journal.flatMap(({ kind, step }) => (kind === 'growth' ? [`growth ${step}`] : []))

describe('growth', () => {
  test('comes where a controller can do no more, asleep, with what else follows growth', async () => {
    const make = (): Parts =>
      sleeping([growthJob(growOnConflict({ patience: 5 }))], {
        controller: stuck,
        penalties: [onlineEwc({ strength: 1, rows: 4, seed: 1 })],
        consolidateWhen: everySteps(5),
      })
    const learner = learnerOf(make())
    await live(learner, 11)
    expect(growthsIn(learner)).toEqual([])
    const size = learner.model.parameters.size
    const report = await learner.observe(batchAt(11))
    expect(growthsIn(learner)).toEqual(['growth 12'])
    expect(report.parameters).toBe(learner.model.parameters.size)
    expect(report.parameters).toBeGreaterThan(size)
    expect(report.events.map(({ kind }) => kind)).toEqual(['growth', 'sleep'])
    expect(sleepsIn(report.events)[0].jobs[0].reason).toMatch(/parameters, logits moved/)
    // It goes on to the same bits, and so does the policy.
    const resumed = resumedFrom(await learner.toState(), make())
    await live(learner, 30, 12)
    await live(resumed, 30, 12)
    expect(await resumed.toState()).toEqual(await learner.toState())
  })
  test('that does harm leaves no trace, in the log of the model either', async () => {
    const own = growthJob(growOnConflict({ patience: 5 }))
    const harmful: SleepJob = {
      ...own,
      async run(context) {
        const done = await own.run(context)
        const { parameters } = context.model
        for (const { path, tensor } of parameters)
          scope(() => parameters.replace(path, multiply(tensor, -30)))
        return done
      },
    }
    const learner = learnerOf(sleeping([harmful], { controller: stuck }, 0.01))
    const never = learnerOf({ ...sleeping([own]), strategy: partsWith({ controller: stuck }).strategy ?? {} })
    await live(learner, 13)
    await live(never, 13)
    expect(sleepsIn(learner.journal)[0].jobs).toMatchObject([{ kept: false }])
    expect(growthsIn(learner)).toEqual([])
    expect((await learner.toState()).model).toEqual((await never.toState()).model)
  })
  test('prunes what was dormant in two sleeps', async () => {
    // Without momentum, which would go on from before.
    const learner = learnerOf({
      ...sleeping([growthJob(pruneDormant({ every: 1, looks: 2 }))]),
      optimizer: sgd(0.05),
    })
    await live(learner, 12)
    expect(growthsIn(learner)).toEqual([])
    silence(learner, [1, 6])
    await live(learner, 35, 12)
    expect(growthsIn(learner)).toEqual([])
    const { events } = await learner.observe(batchAt(35))
    const [growth] = events.flatMap((event) => (event.kind === 'growth' ? [event.data] : []))
    expect(growth.record.request).toMatchObject({ kind: 'pruneUnits', block: 'b0', drop: [1, 6] })
    expect(sleepsIn(events)[0].jobs).toMatchObject([{ kept: true }])
  })
  test('that is refused says so', async () => {
    const eager: GrowthPolicy<null> = {
      name: 'eager',
      initial: null,
      decide: () => ({ request: { kind: 'addLayer', at: 1 }, reason: 'why not', state: null }),
    }
    const learner = learnerOf({ ...sleeping([growthJob(eager)]), budget: { parameters: 1 } })
    await live(learner, 12)
    expect(learner.journal.map(({ kind }) => kind)).toEqual(['growth refused', 'sleep'])
    expect(sleepsIn(learner.journal)[0].jobs[0].reason).toContain('growth refused')
  })
})

/** Has hidden units neither read nor write. */
function silence({ model: { parameters, device } }: Learner, units: readonly number[]): void {
  for (const { path, tensor } of parameters) {
    const axis = /mlp\.up\./.test(path)
      ? tensor.shape.length - 1
      : path.endsWith('mlp.down.weight')
        ? 0
        : null
    if (axis === null) continue
    const stride = path.endsWith('mlp.down.weight') ? tensor.shape[1] : 1
    const mask = Float32Array.from({ length: tensor.size }, (_, i) =>
      units.includes(Math.floor(i / stride) % tensor.shape[axis]) ? 0 : 1,
    )
    scope(() => {
      const kept = device.tensor(mask, { shape: tensor.shape, dtype: 'f32' })
      parameters.replace(path, multiply(tensor, kept))
    })
  }
}

test('a classifier rehearses asleep', async () => {
  const learner = new Learner({
    model: classifier({ inputs: 3, hidden: [4], classes: 2, seed: 1, device: wasm }),
    optimizer: adamw({ learningRate: 1e-2 }),
    strategy: {
      rehearsal: reservoirReplay({ capacity: 20 }),
      probes: heldBack({ share: 0.3 }),
      sleep: sleep({ when: everySteps(4), jobs: [rehearsalJob()], share: 0.5, tolerance: 1 }),
    },
  })
  for (let step = 0; step < 8; step++) await learner.observe(examples(8 * step, 8 * step + 8))
  expect(sleepsIn(learner.journal).map(({ jobs }) => jobs[0].kept)).toEqual([true, true])
})

describe('a job of one’s own', () => {
  const seenBy = async (run: (context: SleepContext) => Promise<unknown>): Promise<unknown> => {
    let seen: unknown
    const job: SleepJob = {
      name: 'curious',
      changesWeights: true,
      async run(context) {
        seen = await run(context)
        return null
      },
    }
    await live(learnerOf(sleeping([job])), 12)
    return seen
  }
  test('can have nothing learnt for which it cannot pay', async () => {
    const losses = await seenBy(async ({ left, pay, learn, rehearse, sample }) => {
      const all = left
      expect(pay(all)).toBe(true)
      expect(pay(1)).toBe(false)
      expect(() => pay(-1)).toThrow(OptionError)
      return [all > 0, await rehearse(1), await learn(sample(1) as Batch)]
    })
    expect(losses).toEqual([true, null, null])
  })
  test('learns no row that is held back', async () => {
    const own = { id: 1, source: 'here', domain: 'a', at: 0, trust: 1 }
    const error = await seenBy(async ({ learn }) => {
      const rows = batchAt(0)
      for (let id = 0; id < 40; id++) {
        try {
          await learn({ ...rows, origins: rows.domains.map(() => ({ ...own, id })) })
        } catch (thrown) {
          return thrown
        }
      }
      return null
    })
    expect(String(error)).toMatch(/is of experience \d+, which is held back/)
  })
})

describe('refuses', () => {
  const rehearsal = reservoirReplay({ capacity: 4 })
  const asleep = (job: SleepJob): Strategy => ({
    probes: heldBack(),
    sleep: sleep({ when: everySteps(2), jobs: [job] }),
  })
  const made =
    (strategy: Strategy, more: object = {}) =>
    () =>
      learnerOf({ optimizer: adamw({ learningRate: 0.1 }), strategy, ...more })
  test('to be where there is nothing to do', () => {
    expect(made({ ...asleep(dreamJob()) })).toThrow(/no rehearsal/)
    expect(made({ ...asleep(dreamJob()), rehearsal, context: contextLabels() })).toThrow(/labels/)
    expect(made({ ...asleep(consolidationJob()), rehearsal })).toThrow(/nothing that is consolidated/)
    expect(made({ ...asleep(growthJob(growOnConflict({ patience: 5 }))), rehearsal })).toThrow(
      /no such controller/,
    )
    expect(made({ ...asleep(growthJob(pruneDormant())), rehearsal }, { adapter: { rank: 2 } })).toThrow(
      /got an adapter/,
    )
    expect(
      () =>
        new Learner({
          model: classifier({ inputs: 3, hidden: [4], classes: 2, device: wasm }),
          optimizer: adamw({ learningRate: 0.1 }),
          strategy: { rehearsal: reservoirReplay({ capacity: 4 }), ...asleep(dreamJob()) } as never,
        }),
    ).toThrow(/writes no text/)
  })
  test('options that are none', () => {
    expect(() => rehearsalJob({ rows: 0 })).toThrow(OptionError)
    expect(() => dreamJob({ rows: 3 })).toThrow(OptionError)
    expect(() => dreamJob({ steps: 0 })).toThrow(OptionError)
    expect(() => growthJob(3 as never)).toThrow(OptionError)
    expect(() => growthJob(growByTrial({ when: soon, candidates: {} }))).toThrow(/growth tried/)
  })
})
