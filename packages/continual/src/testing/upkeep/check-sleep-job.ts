/** The contract of a job of a sleep, as statements to be checked in any test runner. */
import { adamw } from '@burgeon/autograd/optim'
import { Gpt } from '@burgeon/gpt'
import { checkArgument, checkOptions, checks, OptionError, shown } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import {
  type CheckResult,
  complaintOf,
  copied,
  isSame,
  type Promised,
  statements,
  takenStates,
} from '@burgeon/tensor/testing'
import type { SleepReport } from '../../journal/sleep/sleep-report.ts'
import { Learner } from '../../learner.ts'
import type { LearnerOptions } from '../../learner-options.ts'
import type { LearnerState } from '../../learner-state.ts'
import { heldBack } from '../../probes/held-back.ts'
import type { Probes } from '../../probes/probes.ts'
import { reservoirReplay } from '../../rehearsal/reservoir-replay.ts'
import { sleep } from '../../sleep/sleep.ts'
import { aSleepJob, type SleepJob } from '../../sleep/sleep-job.ts'
import type { Strategy } from '../../strategy/strategy.ts'
import { batchOfTokens } from '../../stream/batch.ts'
import { neverTrigger } from '../../trigger.ts'

/** What a job must do in the life that it is tried in. */
export interface SleepJobExpectation {
  /** Whether it has something to do in that life. Default true. */
  readonly acts?: boolean
  /** Makes what the job needs beside rehearsal and probes, anew for every learner. Default nothing. */
  readonly strategy?: () => Strategy
}

/** Steps of the life, and those after which it sleeps for the first time. */
const [steps, first] = [16, 8]
const device = openReference()

/**
 * Checks a job in the life of a small GPT that remembers, holds rows back and sleeps twice, the same in
 * every run.
 *
 * @param make Makes a fresh job.
 * @throws OptionError if `make` does not return a job, for an expectation that does not exist, and as
 *   `sleep`.
 * @example
 * ```ts
 * for (const { statement, holds, detail } of await checkSleepJob(() => rehearsalJob())) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export async function checkSleepJob(
  make: () => SleepJob,
  expectation: SleepJobExpectation = {},
): Promise<CheckResult[]> {
  checkArgument('checkSleepJob', 'make', make, checks.callback('a function that makes a job of a sleep'))
  checkOptions('checkSleepJob', expectation, {
    acts: checks.boolean,
    strategy: checks.callback('a function that makes a strategy'),
  })
  const made = (): SleepJob => {
    const job = make()
    if (aSleepJob.accepts(job)) return job
    throw new OptionError(`checkSleepJob: got ${shown(job)} from make; expected a job of a sleep.`)
  }
  const { acts = true, strategy = () => ({}) } = expectation
  const { name, changesWeights } = made()
  const world = { made, strategy }
  const job = made()
  const whole = await lived({ ...world, made: () => job })
  const worse = changesWeights ? await lived({ ...world, probes: everWorse }) : null
  const resumed = await complaintOf(() => resumes(world, whole))
  const promises: Promised[] = [
    [
      acts ? 'does something, and says what' : 'says nothing where nothing is to be done',
      () => deeds(whole, acts),
    ],
    ['changes weights only where it says so', () => strayWeights(whole, changesWeights)],
    ['leaves steps, the record of predictions and what is held back as they are', () => strayRecord(whole)],
    ['is undone to the bit where it does harm', () => worse && traceOf(worse)],
    ['goes on to the bit after its state was saved and restored', () => resumed],
    [
      'refuses a state that is not its own, and stays unchanged',
      () =>
        job.restore === undefined
          ? null
          : takenStates(
              (state) => job.restore?.(state),
              () => job.toState?.(),
            ),
    ],
  ]
  return statements(name, promises)
}

interface World {
  made(): SleepJob
  strategy(): Strategy
  readonly probes?: () => Probes
}

interface Life {
  readonly learner: Learner
  /** Before and after the first sleep. */
  readonly before: LearnerState
  readonly after: LearnerState
  /** At the end, after another sleep. */
  readonly end: LearnerState
  readonly slept: readonly SleepReport[]
}

const optionsOf = ({ made, strategy, probes = holdingBack }: World): Omit<LearnerOptions, 'model'> => ({
  optimizer: adamw({ learningRate: 1e-4 }),
  strategy: {
    rehearsal: reservoirReplay({ capacity: 12, seed: 1 }),
    ...strategy(),
    probes: probes(),
    // What is learnt here is little, and how well is not the question.
    sleep: sleep({ when: neverTrigger, jobs: [made()], share: 1, tolerance: 1 }),
  },
})

const holdingBack = (): Probes => heldBack({ share: 0.3, capacity: 4, every: 1000 })

/** Rows that are held back cost ever more, whatever was done. */
function everWorse(): Probes {
  const own = holdingBack()
  let looks = 0
  return {
    ...own,
    get rows() {
      return own.rows
    },
    async measure(meanBits) {
      const found = Object.entries(await own.measure(meanBits))
      looks++
      return Object.fromEntries(
        found.map(([domain, { rowBits: _, ...loss }]) => [domain, { ...loss, bits: 2 * looks }]),
      )
    },
  }
}

async function goOn(learner: Learner, from: number, to: number): Promise<void> {
  for (let step = from; step < to; step++) {
    const tokens = Array.from({ length: 25 }, (_, i) => (5 * i + step * step) % 12)
    await learner.observe(batchOfTokens(tokens, 8, 'stream'))
  }
}

const stateOf = async (learner: Learner): Promise<LearnerState> =>
  copied(await learner.toState()) as LearnerState

async function lived(world: World): Promise<Life> {
  const sizes = { vocabulary: 12, context: 8, embed: 4, heads: 1, layers: 1, mlpHidden: 6 }
  const learner = new Learner({ model: Gpt.create(sizes, { device, seed: 2 }), ...optionsOf(world) })
  await goOn(learner, 0, first)
  const before = await stateOf(learner)
  const slept = [await learner.sleep()]
  const after = await stateOf(learner)
  await goOn(learner, first, steps)
  slept.push(await learner.sleep())
  return { learner, before, after, end: await stateOf(learner), slept }
}

function deeds({ slept }: Life, acts: boolean): string | null {
  const reports = slept.flatMap(({ jobs }) => jobs)
  if (reports.length > 0 !== acts) return `it said ${shown(reports.map(({ reason }) => reason).join('; '))}`
  const failed = reports.find(({ kept, reason }) => !kept || reason === '')
  return failed === undefined ? null : `it was not kept, or said nothing: ${shown(failed.reason)}`
}

function strayWeights({ before, after, end }: Life, changesWeights: boolean): string | null {
  const hasChanged = !isSame(before.model.weights, after.model.weights)
  if (changesWeights) return null
  return hasChanged || end.rehearsed !== undefined ? 'it changed some' : null
}

function strayRecord({ before, after }: Life): string | null {
  const fields = ['step', 'losses', 'lastDrift'] as const
  const stray = fields.find((field) => !isSame(before[field], after[field]))
  if (stray !== undefined) return `not so ${stray}`
  const held = (state: LearnerState): unknown =>
    state.parts.filter(({ role }) => role === 'probes' || role === 'detector')
  return isSame(held(before), held(after)) ? null : 'not so what is held back'
}

/** What is left of a job that was undone. */
function traceOf({ before, after, slept }: Life): string | null {
  const kept = slept.flatMap(({ jobs }) => jobs).find((job) => job.kept)
  if (kept !== undefined) return 'it was kept'
  if (!isSame(before.model, after.model)) return 'the model is another'
  const own = before.parts.find(
    ({ role, state }, i) => role !== 'sleep' && !isSame(state, after.parts[i].state),
  )
  if (own !== undefined) return `${own.name} is another`
  const jobs = ({ parts }: LearnerState): unknown =>
    parts.flatMap(({ role, state }) => (role === 'sleep' ? [(state as { readonly jobs: unknown }).jobs] : []))
  return isSame(jobs(before), jobs(after)) ? null : 'what the job keeps is other'
}

async function resumes(world: World, whole: Life): Promise<string | null> {
  const learner = Learner.fromState(whole.after, { ...optionsOf(world), device })
  await goOn(learner, first, steps)
  await learner.sleep()
  const end = await stateOf(learner)
  if (!isSame(end.model.weights, whole.end.model.weights)) return 'the weights are others'
  return isSame(end.parts, whole.end.parts) ? null : 'what parts keep is other'
}
