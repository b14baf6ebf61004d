/** Repair while asleep: faults are found and named, ways are tried and undone, and the best stays. */
import { adamw } from '@burgeon/autograd/optim'
import {
  everySteps,
  type ExperienceOf,
  growOnSchedule,
  type GrowthPolicy,
  type HeldRow,
  joinBatches,
  type Learner,
  repairJob,
  reservoirReplay,
  type RepairJobOptions,
  selfAssessment,
  sleep,
  type SleepJob,
  type SleptJob,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { batchAt, learnerOf, type Parts, partsWith, resumedFrom, sleepsIn, wasm } from './sleepers.ts'

const every = 12
const asleep = (jobs: readonly SleepJob[], more: Strategy = {}): Parts => ({
  ...partsWith({ sleep: sleep({ when: everySteps(every), jobs, share: 1, tolerance: 10 }), ...more }),
  optimizer: adamw({ learningRate: 5e-3 }),
})
const repairing = (options: RepairJobOptions = {}, more: Strategy = {}): Parts =>
  asleep([repairJob({ rows: 4, steps: 4, ...options })], more)

/** Rows of two domains from the first step on, each an experience of its own. */
function mixedAt(step: number): TokenBatch {
  const rows = [batchAt(step), batchAt(step + 12)].map((batch, i) => {
    const domain = 'ab'[i]
    return {
      ...{ ...batch, domains: batch.domains.map(() => domain), isContinuous: false },
      origins: batch.domains.map((_, row) => ({
        id: 8 * step + 4 * i + row,
        source: 's',
        domain,
        at: step,
        trust: 1,
      })),
    }
  })
  return joinBatches(rows)
}
async function liveMixed(learner: Learner, to: number, from: number = 0): Promise<void> {
  for (let step = from; step < to; step++) await learner.observe(mixedAt(step))
}
const repairsOf = (learner: Learner): readonly SleptJob[] =>
  sleepsIn(learner.journal).flatMap(({ jobs }) => jobs)
const weightsOf = ({ model }: Learner): number[][] =>
  Object.values(model.parameters.tensors()).map((tensor) => [...tensor.readSync()])

/** Other numbers in the place of the weights of a path. */
function change({ model }: Learner, path: string, changed: (weight: number) => number): void {
  const { tensor } = model.parameters.get(path)
  const weights = Float32Array.from(tensor.readSync(), changed)
  model.parameters.replace(path, wasm.tensor(weights, { shape: tensor.shape, dtype: 'f32' }))
}

describe('in health', () => {
  test('nothing is tried, and no weight is another than without', async () => {
    const [plain, own] = [
      learnerOf(asleep([{ name: 'rest', changesWeights: false, run: () => null }])),
      learnerOf(repairing()),
    ]
    await liveMixed(plain, 61)
    await liveMixed(own, 61)
    expect(repairsOf(own).map(({ reason }) => reason)).toEqual(Array(5).fill('no fault was found'))
    expect(weightsOf(own)).toEqual(weightsOf(plain))
  })
})

describe('a fault', () => {
  test('of weights is named by their path, mended, and not told again', async () => {
    const learner = learnerOf(repairing())
    await liveMixed(learner, 71)
    change(learner, 'blocks.b0.mlp.down.weight', (weight) => 8 * weight)
    await liveMixed(learner, 84, 71)
    const [first, second] = repairsOf(learner).slice(-2)
    expect(first.reason).toMatch(
      /^the weights of blocks\.b0\.mlp\.down\.weight are \d\.?\d* times as large as at the last look/,
    )
    expect(first).toMatchObject({ kept: true })
    expect(first.reason).toMatch(
      /: rehearsal at 3 times the rate, \d\.\d\d bits better on rows that are held back \(.*\), and \d\.\d\d more by 2 times again$/,
    )
    expect(first.after).toBeLessThan(Number(first.before))
    expect(second.reason).not.toContain('blocks.b0.mlp.down.weight')
  })
  test('is left to ordinary steps where they mend it as well', async () => {
    const learner = learnerOf({ ...repairing(), optimizer: adamw({ learningRate: 0.03 }) })
    await liveMixed(learner, 71)
    change(learner, 'blocks.b0.mlp.down.weight', (weight) => 8 * weight)
    await liveMixed(learner, 72, 71)
    expect(repairsOf(learner).at(-1)?.reason).toMatch(
      /: no way helped: rehearsal \d\.\d\d bits \([\d.]+ standard errors, no more than ordinary steps\)/,
    )
  })
  test('of weights that are 0 is one', async () => {
    const learner = learnerOf(repairing())
    await liveMixed(learner, 71)
    change(learner, 'blocks.b0.attention.value.weight', () => 0)
    await liveMixed(learner, 72, 71)
    expect(repairsOf(learner).at(-1)?.reason).toContain('blocks.b0.attention.value.weight')
  })
  test('of what a domain costs is named by it', async () => {
    const learner = learnerOf(repairing())
    await liveMixed(learner, 191)
    // Every other channel of every token, which no matrix shows as a whole.
    let at = 0
    change(learner, 'embed.token.weight', (weight) => (at++ % 2 === 0 ? 1.4 * weight : 0))
    await liveMixed(learner, 192, 191)
    const { reason } = repairsOf(learner).at(-1) as SleptJob
    expect(reason).toMatch(
      /^domain [ab] costs \d\.\d\d bits a byte more than before, on rows that are held back/,
    )
  })
  describe('of a slice', () => {
    const weak = { domain: 'a', source: null, bytes: 'digits', tokens: 300, excess: 1, z: 9, isWeak: true }
    const rising = (riseZ: number, slice: string, more: object = {}) => ({
      ...{ ...weak, slice, rise: 0.5, riseZ, hasRisen: true },
      ...more,
    })
    /** What the second look finds. What a domain costs has become more by then, or less. */
    async function found(weakest: readonly object[], isWorse: boolean): Promise<string> {
      const own = selfAssessment()
      const assessment = {
        ...{ name: own.name, update: own.update.bind(own), certaintyOf: own.certaintyOf.bind(own) },
        ...{ toState: () => own.toState(), restore: (state: unknown) => own.restore(state) },
        summary: () => ({ calibration: {}, weakest: weakest as ReturnType<typeof own.summary>['weakest'] }),
      }
      const learner = learnerOf(repairing({}, { assessment }))
      await liveMixed(learner, 2 * every - 1)
      if (isWorse) change(learner, 'embed.token.weight', () => 0)
      await liveMixed(learner, 2 * every, 2 * every - 1)
      return (repairsOf(learner).at(-1) as SleptJob).reason
    }
    const several = [
      rising(6, 'domain a, spaces'),
      rising(8, 'domain a, digits'),
      rising(9, 'all', { hasRisen: false }),
      rising(9, 'grown sure', { isWeak: false }),
    ]
    test('is named by it, where the learner assesses itself', async () => {
      expect(await found(several, true)).toMatch(
        /^domain a, digits costs 0\.50 bits a token more than before \(and 1 more\): /,
      )
    })
    test('is none where its domain is better on rows that are held back', async () => {
      expect(await found(several, false)).toBe('no fault was found')
      expect(await found([rising(8, 'source s, digits', { domain: null })], false)).toBe('no fault was found')
    })
  })
})

describe('memory that is lost', () => {
  const experience: ExperienceOf = (domain, rows, draw) => {
    const all = Array.from({ length: rows }, () => mixedAt(draw(60)))
    const own = all.map((batch) => ({ batch, row: batch.domains.indexOf(domain) }))
    return joinBatches(
      own.map(({ batch: { tokens, length, origins = [] }, row }) => ({
        ...{ rows: 1, length, domains: [domain], origins: [origins[row] ?? null] },
        tokens: tokens.slice(row * (length + 1), (row + 1) * (length + 1)),
      })),
    )
  }
  const rememberedOf = (learner: Learner): string[] => [
    ...new Set(learner.strategy.rehearsal?.sample(600)?.domains ?? []),
  ]
  async function lost(options: RepairJobOptions): Promise<Learner> {
    // Of what a reservoir has seen it takes a share, and of little it takes all.
    const rehearsal = reservoirReplay({ capacity: 600, share: 0.5, seed: 1 })
    const learner = learnerOf(repairing(options, { rehearsal }))
    await liveMixed(learner, 71)
    learner.strategy.rehearsal?.forget?.(({ domain }) => domain === 'b')
    expect(rememberedOf(learner)).toEqual(['a'])
    // A step that brings nothing of it back.
    for (let step = 71; step < 72; step++) await learner.observe(batchAt(0))
    return learner
  }
  test('is learnt and remembered again from experience', async () => {
    const learner = await lost({ experience })
    const { reason, kept } = repairsOf(learner).at(-1) as SleptJob
    expect(reason).toMatch(/^0 % of what is remembered is of b, \d\d % was/)
    expect(reason).toContain('what was learnt is learnt again, 0')
    expect(reason).not.toContain('rehearsal')
    expect(kept).toBe(true)
    expect(rememberedOf(learner)).toContain('b')
  })
  test('is named in every sleep until it is back, and cannot be learnt again without', async () => {
    const learner = await lost({})
    for (let step = 72; step < 84; step++) await learner.observe(batchAt(0))
    expect(repairsOf(learner).at(-2)?.reason).toContain('0 % of what is remembered is of b')
    const { reason } = repairsOf(learner).at(-1) as SleptJob
    expect(reason).toContain('0 % of what is remembered is of b')
    expect(reason).not.toContain('learnt again')
  })
  test('what is held back is never learnt again', async () => {
    const asked: number[] = []
    const learner = await lost({
      experience(domain, rows, draw) {
        const batch = experience(domain, rows, draw) as TokenBatch
        asked.push(batch.rows)
        return batch
      },
    })
    expect(asked.length).toBeGreaterThan(0)
    const { probes, rehearsal } = learner.strategy
    const remembered = rehearsal?.sample(600) as TokenBatch
    const isHeld = remembered.domains.map((domain, row) =>
      probes?.isHeldBack({
        ...{ domain, origin: remembered.origins?.[row] ?? null },
        tokens: remembered.tokens.slice(row * (remembered.length + 1), (row + 1) * (remembered.length + 1)),
      }),
    )
    expect(isHeld).not.toContain(true)
  })
})

test('growth is tried, and leaves no trace where another way is better', async () => {
  const asked: string[] = []
  const growth: GrowthPolicy<null> = {
    name: 'wider',
    initial: null,
    decide({ config }) {
      asked.push(config.blocks.map(({ mlpHidden }) => mlpHidden).join())
      return { request: { kind: 'widenMlp', block: 'b0', to: 24 }, reason: 'repair', state: null }
    },
  }
  const learner = learnerOf(repairing({ growth }))
  await liveMixed(learner, 71)
  for (const path of ['blocks.b0.mlp.up.weight', 'blocks.b0.mlp.down.weight']) change(learner, path, () => 0)
  await liveMixed(learner, 72, 71)
  const { reason } = repairsOf(learner).at(-1) as SleptJob
  expect(asked).toEqual(['8'])
  expect(reason).toMatch(/: rehearsal.*bits better on rows that are held back/)
  expect(learner.model.config.blocks[0].mlpHidden).toBe(8)
  expect(learner.journal.filter(({ kind }) => kind === 'growth')).toEqual([])
})

describe('what a job may try', () => {
  test('is undone to the bit, and costs operations all the same', async () => {
    const seen: {
      readonly before: string
      readonly after: string
      readonly rows: readonly (readonly HeldRow[] | null)[]
    }[] = []
    const spent: number[] = []
    const job: SleepJob = {
      name: 'tries',
      changesWeights: true,
      async run(context) {
        const { attempt, measure, rehearse, states, model } = context
        const all = async (): Promise<string> =>
          JSON.stringify([await states(), await model.toState()], (_, value: unknown) =>
            ArrayBuffer.isView(value) ? Array.from(value as Uint8Array) : value,
          )
        const [before, left] = [await all(), context.left]
        const first = await measure()
        const other = await attempt(async () => {
          await rehearse(4)
          return measure()
        })
        spent.push(left - context.left)
        seen.push({ before, after: await all(), rows: [first, other, await measure()] })
        return null
      },
    }
    const learner = learnerOf(asleep([job]))
    await liveMixed(learner, every)
    const [{ before, after, rows }] = seen
    expect(after).toBe(before)
    expect(rows[0]).toEqual(rows[2])
    expect(rows[1]).not.toEqual(rows[0])
    expect(rows[0]?.length).toBe(rows[1]?.length)
    expect(spent[0]).toBeGreaterThan(0)
    // It learnt nothing that stayed, so it may say that there was nothing to do.
    expect(repairsOf(learner)).toEqual([])
  })
  test('stays where it is asked to, and has to be told', async () => {
    const seen: number[] = []
    const job: SleepJob = {
      name: 'keeps',
      changesWeights: true,
      async run({ attempt, rehearse, step }) {
        if (step > every) return null
        seen.push(
          (await attempt(
            () => rehearse(4),
            () => true,
          )) as number,
        )
        return null
      },
    }
    const learner = learnerOf(asleep([job]))
    await liveMixed(learner, every)
    expect(seen.every(Number.isFinite)).toBe(true)
    expect(repairsOf(learner)).toMatchObject([{ kept: false, reason: 'it learnt, and did not say so' }])
  })
  test('costs what it costs: without operations nothing is measured', async () => {
    const found: (readonly HeldRow[] | null)[] = []
    const job: SleepJob = {
      name: 'spends',
      changesWeights: true,
      async run({ left, pay, measure }) {
        pay(left)
        found.push(await measure())
        return null
      },
    }
    await liveMixed(learnerOf(asleep([job])), every)
    expect(found).toEqual([null])
  })
})

test('a life that is saved and taken up at any step repairs the same to the bit', async () => {
  const injured = async (learner: Learner, from: number): Promise<Learner> => {
    if (from <= 48) {
      await liveMixed(learner, 48, from)
      change(learner, 'blocks.b0.mlp.down.weight', (weight) => 8 * weight)
    }
    await liveMixed(learner, 73, Math.max(48, from))
    return learner
  }
  const whole = await injured(learnerOf(repairing()), 0)
  expect(repairsOf(whole).some(({ reason }) => reason.includes('bits better'))).toBe(true)
  for (const at of [0, 25, 48]) {
    const first = learnerOf(repairing())
    await liveMixed(first, at)
    const resumed = await injured(resumedFrom(await first.toState(), repairing()), at)
    expect(await resumed.toState()).toEqual(await whole.toState())
  }
})

test('what cannot be is refused', () => {
  expect(() => repairJob({ rows: 0 })).toThrow(OptionError)
  expect(() => repairJob({ experience: 'all' as never })).toThrow(OptionError)
  const { rehearsal: _, ...strategy } = repairing().strategy as Strategy
  expect(() => learnerOf({ ...repairing(), strategy })).toThrow('repairJob: the strategy has no rehearsal')
  const growth = growOnSchedule([])
  expect(() => learnerOf({ ...repairing({ growth }), adapter: { rank: 1 } })).toThrow(OptionError)
  const job = repairJob()
  const record = {
    looks: 2,
    weights: { a: 1 },
    losses: [['a', { looks: 1, last: 2, variance: 0 }]],
    remembered: [['a', 0.5]],
  }
  job.restore?.({ record })
  expect(job.toState?.()).toEqual({ record })
  for (const wrong of [
    { record: { ...record, weights: { a: -1 } } },
    { record: { ...record, looks: 0 } },
    { record: { ...record, losses: [['a', { looks: 0, last: 2, variance: 0 }]] } },
    { record: { ...record, remembered: [['a', 2]] } },
    {},
  ]) {
    expect(() => job.restore?.(wrong), JSON.stringify(wrong)).toThrow()
    expect(job.toState?.()).toEqual({ record })
  }
})
