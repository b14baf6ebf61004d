/** A sleep of a learner: each job from a moment that is kept, and undone where it does harm. */
import { foldIn, OptionError, type RandomKey, shown } from '@burgeon/tensor'
import { type Moment, momentOf } from '../../fork/moment.ts'
import type { LearnerEvent } from '../../journal/event.ts'
import type { ProbeLosses } from '../../journal/probe-losses.ts'
import type { SleepReport, SleptJob } from '../../journal/sleep/sleep-report.ts'
import type { Loop } from '../../learning/loop.ts'
import type { Probes } from '../../probes/probes.ts'
import type { JobDone, SleepJob } from '../sleep-job.ts'
import type { SleepRunner } from '../sleep-runner.ts'
import { contextOf, type JobContext, type Purse } from './job-context.ts'
import { harmOf, measuredOf } from './judged.ts'
import { lookCost } from './look-cost.ts'

/** A sleep, and what stands in the journal of it. */
export interface Slept {
  readonly report: SleepReport
  readonly events: readonly LearnerEvent[]
}

/** What a job has come to. */
type Outcome = { readonly done: JobDone | null } | { readonly fault: string }

/**
 * Sleeps once. Nothing else may happen to the learner meanwhile.
 *
 * @param operations That it may take; the share of the steps since the last sleep unless given.
 * @throws OptionError for a learner whose strategy has no sleep.
 */
export async function sleepOnce(loop: Loop, operations?: number): Promise<Slept> {
  const { sleep: runner } = loop.parts
  if (runner === undefined) {
    throw new OptionError(
      'Learner: sleep: the strategy has no sleep; expected one, such as sleep({ when: everySteps(1000), jobs: [rehearsalJob()] }).',
    )
  }
  const { report, events: ofJobs } = await new Night(loop, runner, operations ?? runner.budget).lived()
  runner.wake()
  const own = report.jobs.length > 0 ? [eventOf(runner, loop.journal.step, report)] : []
  loop.journal.add(own)
  return { report, events: [...ofJobs, ...own] }
}

/** One sleep. */
class Night {
  readonly #loop: Loop
  readonly #runner: SleepRunner
  readonly #key: RandomKey
  readonly #budget: number
  /** Operations of jobs so far. */
  #spent = 0
  /** What the rows that are held back cost now, where that is known. */
  #known: ProbeLosses | null = null
  /** Of jobs that are kept. */
  readonly #events: LearnerEvent[] = []

  constructor(loop: Loop, runner: SleepRunner, budget: number) {
    this.#loop = loop
    this.#runner = runner
    this.#budget = budget
    this.#key = foldIn(runner.parts.key, loop.journal.step)
  }

  async lived(): Promise<Slept> {
    const { jobs } = this.#runner.sleep
    const slept: SleptJob[] = []
    for (const [i, job] of jobs.entries()) {
      const rest = jobs.slice(i).filter(({ changesWeights }) => changesWeights).length
      const report = await (job.changesWeights ? this.#judged(job, i, rest) : this.#tried(job, i))
      if (report !== null) slept.push(report)
    }
    return {
      report: { jobs: slept, operations: this.#spent, budget: this.#budget },
      events: this.#events,
    }
  }

  /** A job that leaves the weights alone: it is undone only where it fails. */
  async #tried(job: SleepJob, i: number): Promise<SleptJob | null> {
    const moment = await momentOf(this.#loop)
    try {
      const purse = { left: this.#budget - this.#spent, spent: 0 }
      const outcome = await this.#run(job, i, purse)
      this.#spent += purse.spent
      if ('fault' in outcome) return undone(moment, job, purse.spent, outcome.fault)
      const { done } = outcome
      if (done === null) return nothingDone(moment)
      await this.#record(done)
      this.#events.push(...(done.events ?? []))
      const { summary: reason, before = null, after = null, findings } = done
      const own = { job: job.name, kept: true, reason, before, after, operations: purse.spent }
      return { ...own, ...(findings && { findings }) }
    } finally {
      moment.dispose()
    }
  }

  /**
   * A job that may change weights.
   *
   * @param rest Jobs of this kind from this one on, which share what is left.
   */
  async #judged(job: SleepJob, i: number, rest: number): Promise<SleptJob | null> {
    const { parts, model } = this.#loop
    const { tolerance } = this.#runner.sleep
    const spentBefore = this.#spent
    const skipped = (reason: string): SleptJob => ({
      ...{ job: job.name, kept: false, reason, before: null, after: null },
      operations: this.#spent - spentBefore,
    })
    // A learner without them was refused when it was built.
    const probes = parts.probes as Probes
    if ((probes.rows ?? 0) === 0) return skipped('no rows are held back yet, so nothing could judge it')
    const look = await lookCost(model, probes)
    const left = this.#budget - this.#spent - look * (this.#known === null ? 1 + rest : rest)
    if (left <= 0) {
      return skipped(
        `${this.#budget.toExponential(1)} operations do not pay for looks at the rows that are held back`,
      )
    }
    const before = this.#known ?? (await this.#looked(look))
    const moment = await momentOf(this.#loop)
    try {
      const purse = { left: left / rest, spent: 0 }
      const outcome = await this.#run(job, i, purse)
      this.#spent += purse.spent
      if ('fault' in outcome) return undone(moment, job, this.#spent - spentBefore, outcome.fault)
      const { done } = outcome
      if (done === null) return nothingDone(moment)
      await this.#record(done)
      const after = await this.#looked(await lookCost(model, probes))
      const harm = harmOf(before, after, tolerance)
      const operations = this.#spent - spentBefore
      if (harm !== null) {
        this.#known = before
        return {
          ...undone(moment, job, operations, `${done.summary}: ${harm}`),
          ...measuredOf(before, after),
        }
      }
      this.#events.push(...(done.events ?? []))
      return { job: job.name, kept: true, reason: done.summary, operations, ...measuredOf(before, after) }
    } finally {
      moment.dispose()
    }
  }

  async #looked(operations: number): Promise<ProbeLosses> {
    this.#spent += operations
    this.#known = await this.#loop.measureProbes()
    return this.#known
  }

  async #run(job: SleepJob, i: number, purse: Purse): Promise<Outcome> {
    const { parts } = this.#runner
    const seen: JobContext = contextOf(this.#loop, parts, purse, foldIn(this.#key, i))
    try {
      const done = (await job.run(seen.context)) ?? null
      if (done === null && seen.hasLearnt) return { fault: 'it learnt, and did not say so' }
      return typeof (done ?? { summary: '' }).summary === 'string'
        ? { done }
        : { fault: `it returned ${shown(done)}; expected null, or what was done` }
    } catch (error) {
      return {
        fault: `it failed with ${error instanceof Error ? `${error.name}: ${error.message}` : shown(error)}`,
      }
    }
  }

  /** Puts the events of a job on record; parts see a growth among them as after a step. */
  async #record({ events = [] }: JobDone): Promise<void> {
    const { journal, parts } = this.#loop
    journal.add(events)
    if (!events.some(({ kind }) => kind === 'growth')) return
    const rows = parts.memory?.sample(1)
    if (!rows) return
    const context = { ...journal.between(rows), events }
    for (const part of parts.afterGrowth) await part.afterStep(context)
  }
}

/** What a job drew that has done nothing comes back, too. */
function nothingDone(moment: Moment): null {
  moment.putBack()
  return null
}

function undone(moment: Moment, job: SleepJob, operations: number, reason: string): SleptJob {
  moment.putBack()
  return { job: job.name, kept: false, reason, before: null, after: null, operations }
}

function eventOf({ name }: SleepRunner, step: number, data: SleepReport): LearnerEvent {
  const told = data.jobs.map(({ job, kept, reason }) => `${job} ${kept ? 'kept' : 'not kept'}: ${reason}`)
  return { kind: 'sleep', step, part: name, summary: `slept. ${told.join('. ')}`, data }
}
