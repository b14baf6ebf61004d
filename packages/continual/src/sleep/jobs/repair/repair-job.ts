/** Repair while asleep: what is wrong is found, several ways to mend it are tried, and the best is kept. */
import { checkOptions, checks, checkState, fields, OptionError, type StateChecks } from '@burgeon/tensor'
import { aGrowthPolicy, type GrowthPolicy } from '../../../growth/growth-policy.ts'
import { entriesOf, none } from '../../../saved-state.ts'
import type { SleepJob } from '../../sleep-job.ts'
import { type FaultRecord, faultsOf, type UsualLoss } from './faults.ts'
import { bestOf, failureOf, mendedBy, triedOf } from './mending.ts'
import {
  type ExperienceOf,
  growWeak,
  learnAgain,
  rehearseWeak,
  type RepairSize,
  type RepairWay,
} from './repair-ways.ts'

/** How it is repaired. */
export interface RepairJobOptions {
  /** Rows of a step, ≥ 1. Default 8. */
  readonly rows?: number
  /** Steps of each way, ≥ 1. Default 20. */
  readonly steps?: number
  /** Asked for a growth as one of the ways. No growth is tried unless given. */
  readonly growth?: GrowthPolicy<unknown, never>
  /** Rows of a store of experience, which are learnt and remembered again. Nothing unless given. */
  readonly experience?: ExperienceOf
}

interface State {
  readonly record: FaultRecord | null
}

/** Factors of the learning rate of the faster ways. */
const fasterBy = [3, 10, 30]

const aUsualLoss = fields<UsualLoss>('losses of looks', {
  looks: checks.integer({ from: 1 }),
  last: checks.number(),
  variance: checks.number({ from: 0 }),
})
const stateChecks: StateChecks<State> = {
  record: checks.either(
    fields<FaultRecord>('what a look has found', {
      looks: checks.integer({ from: 1 }),
      weights: checks.record('sizes by path', checks.number({ from: 0 })),
      losses: entriesOf('domains and their losses', aUsualLoss),
      remembered: entriesOf('domains and their shares', checks.number({ from: 0, to: 1 })),
    }),
    none,
  ),
}

/**
 * Looks for faults, and mends the gravest:
 *
 *  - weights of a block that are three times as large or as small as at the last look;
 *  - a domain that has vanished from what is remembered;
 *  - a domain whose rows that are held back cost more than before;
 *  - with `selfAssessment` in the strategy, a slice of the stream that costs more than the model expects,
 *    and more than before, in a domain whose rows that are held back are not better than at the last look.
 *
 * Each way is tried from the same moment: remembered rows of the domain are learnt, at the rate of the
 * learner, at three, ten and thirty times that; what was learnt is learnt again from a store; the model
 * grows. The best is kept if the held-back rows of the domain, which never teach, are better by 0.02 bits
 * and 2.5 standard errors, row by row, and those of no other domain are worse by as much. Of weights and
 * slices, which learning itself may move, it has to be as much better than as many ordinary steps: what
 * learning on would mend is left to it. It is gone again for as long as that helps. In a learner without a
 * fault nothing is tried, and no bit changes.
 *
 * @throws OptionError for other options, and where a learner is built without a rehearsal, or with a growth
 *   beside an adapter.
 * @example
 * ```ts
 * const strategy = {
 *   rehearsal: reservoirReplay({ capacity: 500 }),
 *   probes: heldBack(),
 *   assessment: selfAssessment(),
 *   sleep: sleep({ when: everySteps(50), jobs: [repairJob()], share: 0.5 }),
 * }
 * ```
 */
export function repairJob(options: RepairJobOptions = {}): SleepJob {
  const positive = checks.integer({ from: 1 })
  checkOptions('repairJob', options, {
    ...{ rows: positive, steps: positive, growth: aGrowthPolicy },
    experience: checks.callback('a function of a domain and a number of rows'),
  })
  const { rows = 8, steps = 20, growth, experience } = options
  const again = experience ? [learnAgain(experience)] : []
  const ways: readonly RepairWay[] = [
    ...again,
    rehearseWeak('rehearsal', 1),
    ...fasterBy.map((times) => rehearseWeak(`rehearsal at ${times} times the rate`, times)),
    ...(growth ? [growWeak(growth)] : []),
  ]
  const size: RepairSize = { rows, steps, turn: 0 }
  let record: FaultRecord | null = null
  return {
    name: 'repair',
    changesWeights: true,
    begin({ rehearsal, adapter }) {
      if (rehearsal === undefined) {
        throw new OptionError(
          'repairJob: the strategy has no rehearsal; expected one, such as reservoirReplay({ capacity: 500 }).',
        )
      }
      if (growth === undefined || adapter === undefined) return
      throw new OptionError(
        `repairJob: got an adapter and ${growth.name}, which is for weights of the model; expected one of them.`,
      )
    },
    async run(context) {
      const held = await context.measure()
      if (held === null) return null
      // A look draws rows, and what it drew comes back.
      const { faults, record: now } = await context.attempt(() => faultsOf(context, held, record))
      const before = record
      const [fault] = faults
      if (fault === undefined) {
        record = now
        return { summary: 'no fault was found' }
      }
      // No rehearsal brings back what is gone from memory.
      const own = fault.found === 'memory' && again.length > 0 ? again : ways
      const tried = await triedOf(own, fault, context, size, held)
      const mended = await mendedBy(bestOf(tried), fault, context, size, held)
      // What was mended is looked at anew, and what was not is still no usual state.
      record = mended === null ? { ...now, weights: before?.weights ?? now.weights } : now
      const told = faults.length === 1 ? '' : ` (and ${faults.length - 1} more)`
      const outcome = mended === null ? failureOf(tried) : mended.summary
      return { summary: `${fault.name}${told}: ${outcome}`, events: mended?.events ?? [] }
    },
    toState: (): State => ({ record }),
    restore(state) {
      record = checkState<State>('repair', state, stateChecks).record
    },
  }
}
