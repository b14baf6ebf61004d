/** Rehearsal while asleep: what is remembered is learnt again. */
import { checkOptions, checks, OptionError } from '@burgeon/tensor'
import type { SleepJob } from '../sleep-job.ts'
import { learntSummary } from './learnt-summary.ts'

/** How much is learnt again. */
export interface RehearsalJobOptions {
  /** Rows of a step, ≥ 1, or as many as are remembered where those are fewer. Default 8. */
  readonly rows?: number
  /** Most steps, ≥ 1. Default as many as the sleep's share of operations allows. */
  readonly steps?: number
}

/**
 * Learns rows that the rehearsal of the strategy chooses, as `learner.rehearse` does.
 *
 * @throws OptionError for other options, and where a learner is built without a rehearsal.
 * @example
 * ```ts
 * const asleep = sleep({ when: everySteps(1000), jobs: [rehearsalJob({ rows: 16 })] })
 * ```
 */
export function rehearsalJob(options: RehearsalJobOptions = {}): SleepJob {
  const positive = checks.integer({ from: 1 })
  checkOptions('rehearsalJob', options, { rows: positive, steps: positive })
  const { rows = 8, steps = Infinity } = options
  return {
    name: 'rehearsal',
    changesWeights: true,
    begin({ rehearsal }) {
      if (rehearsal !== undefined) return
      throw new OptionError(
        'rehearsalJob: the strategy has no rehearsal; expected one, such as reservoirReplay({ capacity: 500 }).',
      )
    },
    async run({ rehearse }) {
      const losses: number[] = []
      while (losses.length < steps) {
        const loss = await rehearse(rows)
        if (loss === null) break
        losses.push(loss)
      }
      return losses.length === 0 ? null : { summary: learntSummary(losses, `up to ${rows} remembered rows`) }
    },
  }
}
