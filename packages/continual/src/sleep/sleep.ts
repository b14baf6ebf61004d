/** Sleep: what a learner does for itself between two steps, now and then, and keeps where it was good. */
import { type Check, checkOptions, checks, OptionError } from '@burgeon/tensor'
import type { Trigger } from '../trigger.ts'
import { aSleepJob, type SleepJob } from './sleep-job.ts'

/** When it is slept, and what is done then. */
export interface SleepOptions {
  /** After which steps. It sees steps and drift, no clock: a resumed life sleeps after the same steps. */
  readonly when: Trigger
  /** One or more, done in this order. */
  readonly jobs: readonly SleepJob[]
  /**
   * Most operations of all jobs together, as a share of those of the steps since the last sleep, from 0 to
   * 1. Jobs that change weights share it evenly; what one leaves is there for the next. Default 0.05.
   */
  readonly share?: number
  /**
   * How much worse the rows that are held back may become by a job that is kept, in any domain and over all,
   * in bits per byte (or example), ≥ 0. What is worse by up to 0.05 bits more counts where it is more than
   * chance explains, which is a mean rise of the rows above twice its standard error. Default 0.01.
   */
  readonly tolerance?: number
}

/** A strategy's sleep. */
export interface Sleep extends Required<SleepOptions> {
  readonly name: string
}

/**
 * Sleep as a transaction: after a step for which `when` fires, the jobs are done one after another, each from
 * a moment that is kept. Rows that are held back are measured before and after each job that changes weights;
 * where a domain, or all of them together, has become worse than `tolerance` and than chance explains, or
 * the job has failed, it is undone to the bit, and the event `sleep` says why. Steps, the record of
 * predictions, detectors and what is remembered stay as they are, and a trial that is open ends. A fork does
 * not sleep.
 *
 * @throws OptionError for options outside their ranges, and for two jobs of one name.
 * @example
 * ```ts
 * const strategy = {
 *   rehearsal: reservoirReplay({ capacity: 500 }),
 *   probes: heldBack(),
 *   sleep: sleep({ when: everySteps(1000), jobs: [rehearsalJob(), dreamJob()] }),
 * }
 * ```
 */
export function sleep(options: SleepOptions): Sleep {
  checkOptions('sleep', options, {
    when: checks.required(checks.callback('a trigger, such as everySteps(1000)')),
    jobs: checks.required(checks.list('a list of jobs, such as rehearsalJob()', aSleepJob)),
    share: checks.number({ from: 0, to: 1 }),
    tolerance: checks.number({ from: 0 }),
  })
  const { when, jobs, share = 0.05, tolerance = 0.01 } = options
  if (jobs.length === 0) throw new OptionError('sleep: got no jobs; expected at least one.')
  const names = jobs.map((job) => job.name)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) {
    throw new OptionError(`sleep: got two jobs named ${twice}; expected a name of its own for each.`)
  }
  return { name: `sleep: ${names.join(', ')}`, when, jobs, share, tolerance }
}

/** Any object of the role. */
export const aSleep: Check<Sleep> = checks.role(
  'what sleep() makes',
  ...(['name', 'when', 'jobs', 'share', 'tolerance'] as const),
)
