/** By what a job of a sleep is judged: rows that are held back, each beside itself, before the job and after it. */
import { adamw } from '@burgeon/autograd/optim'
import {
  heldBack,
  neverTrigger,
  type ProbeLosses,
  type Probes,
  rehearsalJob,
  sleep,
  type SleepJob,
  type SleptJob,
} from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { learnerOf, live, partsWith, sleepsIn } from './sleepers.ts'

/** Says of rows what it is told to, before a job and after it. */
function scripted(before: ProbeLosses, after: ProbeLosses): { probes: Probes; job: SleepJob } {
  const own = heldBack({ share: 0.3, capacity: 8, every: 1000 })
  let hasRun = false
  return {
    probes: {
      ...own,
      get rows() {
        return own.rows
      },
      async measure(measureRows) {
        await own.measure(measureRows)
        return hasRun ? after : before
      },
    },
    job: {
      name: 'trial',
      changesWeights: true,
      async run({ rehearse }) {
        hasRun = true
        return (await rehearse(2)) === null ? null : { summary: 'tried it' }
      },
    },
  }
}

/** A domain in which rows cost so much. */
function of(...rowBits: readonly number[]): ProbeLosses[string] {
  const bits = rowBits.reduce((a, b) => a + b, 0) / rowBits.length
  return { rows: rowBits.length, bits, forgotten: 0, rowBits }
}

/** What becomes of a job before and after which rows cost so much. */
async function judged(before: ProbeLosses, after: ProbeLosses, tolerance: number = 0.01): Promise<SleptJob> {
  const { probes, job } = scripted(before, after)
  const learner = learnerOf({
    ...partsWith({
      probes,
      sleep: sleep({ when: neverTrigger, jobs: [job], tolerance, share: 1 }),
    }),
    optimizer: adamw({ learningRate: 1e-3 }),
  })
  await live(learner, 6)
  const { jobs } = await learner.sleep()
  expect(jobs).toHaveLength(1)
  return jobs[0]
}

describe('a job is undone', () => {
  test.each<[string, ProbeLosses, ProbeLosses, RegExp]>([
    [
      'where most rows are worse by a little',
      { a: of(3, 5, 2, 7) },
      { a: of(3.03, 5.02, 2.04, 7.03) },
      /^.*a is worse by 0\.030 bits/,
    ],
    [
      'where a single row is',
      { a: of(3) },
      { a: of(3.02) },
      /a is worse by 0\.020 bits; up to 0\.01 is kept/,
    ],
    [
      'where rows are known only together',
      { a: { rows: 4, bits: 3, forgotten: 0 } },
      { a: { rows: 4, bits: 3.02, forgotten: 0 } },
      /a is worse/,
    ],
    [
      'where one of two domains is',
      { a: of(3, 5, 4), b: of(2, 4, 3) },
      { a: of(2, 4, 3), b: of(2.1, 4.1, 3.11) },
      /: b is worse by 0\.103 bits;/,
    ],
    ['where a row is no number any more', { a: of(3, 5) }, { a: of(3, Number.NaN) }, /a is worse by NaN/],
    [
      'by more than two rows can put down to chance',
      { a: of(3, 3) },
      { a: of(3.3, 2.99) },
      /a is worse by 0\.145/,
    ],
    [
      'where no domain is by more than chance explains, and all together are',
      { a: of(3, 3, 3, 3), b: of(3, 3, 3, 3), c: of(3, 3, 3, 3) },
      { a: of(3.1, 3, 3.1, 2.99), b: of(3.1, 3, 3.1, 2.99), c: of(3.1, 3, 3.1, 2.99) },
      /: all together is worse by/,
    ],
  ])('%s', async (_, before, after, reason) => {
    const job = await judged(before, after)
    expect(job.kept).toBe(false)
    expect(job.reason).toMatch(reason)
  })
})

describe('a job is kept', () => {
  test.each<[string, ProbeLosses, ProbeLosses]>([
    ['whose rows are better', { a: of(3, 5) }, { a: of(2, 4) }],
    [
      'by which rows are worse, and others better, as chance has it',
      { a: of(3, 5, 2, 7) },
      { a: of(3.3, 4.9, 2.2, 6.8) },
    ],
    ['by which rows are worse by less than is tolerated', { a: of(3, 5, 2) }, { a: of(3.009, 5.009, 2.009) }],
  ])('%s', async (_, before, after) => {
    expect(await judged(before, after)).toMatchObject({
      kept: true,
      before: before.a.bits,
      after: after.a.bits,
    })
  })
  test('for a larger tolerance, of what would be undone', async () => {
    const [before, after] = [{ a: of(3, 5) }, { a: of(3.03, 5.03) }]
    expect([(await judged(before, after)).kept, (await judged(before, after, 0.04)).kept]).toEqual([
      false,
      true,
    ])
  })
})

test('losses of rows are measured one by one, and stand in no event', async () => {
  const learner = learnerOf(
    partsWith({ probes: heldBack({ share: 0.3, capacity: 8, every: 5, costShare: 10 }) }),
  )
  await live(learner, 10)
  const { a } = await learner.measureProbes()
  expect(a.rowBits).toHaveLength(a.rows)
  const rowBits = a.rowBits ?? []
  expect(a.bits).toBeGreaterThan(Math.min(...rowBits))
  expect(a.bits).toBeLessThan(Math.max(...rowBits))
  const probed = learner.journal.flatMap((event) => (event.kind === 'probed' ? [event.data.domains] : []))
  expect(probed.length).toBeGreaterThan(0)
  for (const domains of probed) expect(Object.keys(domains.a)).toEqual(['rows', 'bits', 'forgotten'])
})

describe('called by hand, a sleep', () => {
  const sleeper = () =>
    learnerOf({
      ...partsWith({ sleep: sleep({ when: neverTrigger, jobs: [rehearsalJob()], share: 1, tolerance: 10 }) }),
      optimizer: adamw({ learningRate: 1e-3 }),
    })
  test('takes as many operations as it is given, whatever was done since the last', async () => {
    const learner = sleeper()
    await live(learner, 12)
    const { budget } = await learner.sleep()
    const none = await learner.sleep()
    expect([none.budget, none.jobs[0].kept]).toEqual([0, false])
    const again = await learner.sleep({ operations: budget })
    expect(again).toMatchObject({ budget, jobs: [{ kept: true }] })
    expect(again.operations).toBeGreaterThan(0.3 * budget)
    expect(again.operations).toBeLessThanOrEqual(budget)
    expect(await learner.sleep({ operations: 0 })).toMatchObject({ budget: 0, jobs: [{ kept: false }] })
    expect(sleepsIn(learner.journal)).toHaveLength(4)
  })
  test.each([{ operations: -1 }, { operations: '1' }, { steps: 3 }, 3])('refuses %j', async (options) => {
    await expect(sleeper().sleep(options as never)).rejects.toThrow(OptionError)
  })
})
