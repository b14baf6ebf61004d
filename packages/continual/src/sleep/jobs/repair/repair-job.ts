/** Repair while asleep: what is wrong is found, several ways to mend it are tried, and the best is kept. */
import { checkOptions, checks, checkState, fields, OptionError, type StateChecks } from '@burgeon/tensor'
import { aGrowthPolicy, type GrowthPolicy } from '../../../growth/growth-policy.ts'
import type { LearnerEvent } from '../../../journal/event.ts'
import { entriesOf, none } from '../../../saved-state.ts'
import { pairedGain } from '../../../trial/paired-gain.ts'
import type { HeldRow, SleepJob } from '../../sleep-job.ts'
import { byDomain, type Fault, type FaultRecord, faultsOf, type UsualLoss } from './faults.ts'
import { type ExperienceOf, growWeak, learnAgain, rehearseWeak, type RepairWay } from './repair-ways.ts'

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

/** Standard errors by which the weak rows have to be better, and others may not be worse. */
const leastErrors = 2.5
/** Bits per byte that are worth a repair, and that others may be worse by. */
const least = 0.02
/** Factors of the learning rate of the faster ways. */
const fasterBy = [3, 10]

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

/** What a way came to. */
interface Tried {
  readonly way: RepairWay
  /** On the rows of the fault, in bits, and standard errors of it. */
  readonly gain: number
  readonly errors: number
  /** Another domain that is worse for it; null for none. */
  readonly harmed: string | null
}

/**
 * Looks for faults, and mends the gravest:
 *
 *  - weights of a block that are three times as large or as small as at the last look;
 *  - a domain that has vanished from what is remembered;
 *  - a domain whose rows that are held back cost more than before;
 *  - with `selfAssessment` in the strategy, a slice of the stream that costs more than before.
 *
 * Each way is tried from the same moment: remembered rows of the domain are learnt, at the rate of the
 * learner, at three times that and at ten times; what was learnt is learnt again from a store; the model
 * grows. The best is kept if the held-back rows of the domain, which never teach, are better by 0.02 bits
 * and 2.5 standard errors, row by row, and those of no other domain are worse by as much. In a learner
 * without a fault nothing is tried, and no bit changes.
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
  const ways: readonly RepairWay[] = [
    ...(experience ? [learnAgain(experience)] : []),
    rehearseWeak('rehearsal', 1),
    ...fasterBy.map((times) => rehearseWeak(`rehearsal at ${times} times the rate`, times)),
    ...(growth ? [growWeak(growth)] : []),
  ]
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
      const tried: Tried[] = []
      for (const way of ways) {
        const after = await context.attempt(async () => {
          const done = await way.run(fault, context, { rows, steps })
          return done && (await context.measure())
        })
        if (after !== null) tried.push({ way, ...comparedOn(fault, held, after) })
      }
      const best = bestOf(tried)
      const told = faults.slice(1).length === 0 ? '' : ` (and ${faults.length - 1} more)`
      let events: readonly LearnerEvent[] = []
      if (best !== null) events = (await best.way.run(fault, context, { rows, steps })) ?? []
      // What was mended is looked at anew, and what was not is still no usual state.
      record = best === null ? { ...now, weights: before?.weights ?? now.weights } : now
      return { summary: `${fault.name}${told}: ${outcomeOf(best, tried)}`, events }
    },
    toState: (): State => ({ record }),
    restore(state) {
      record = checkState<State>('repair', state, stateChecks).record
    },
  }
}

/** How much better the rows of a fault are, row by row, and which domain pays for it. */
function comparedOn(
  { domain }: Fault,
  before: readonly HeldRow[],
  after: readonly HeldRow[],
): Omit<Tried, 'way'> {
  const rows = before.map(({ domain: own, bits }, i) => ({ domain: own, bits: bits - after[i].bits }))
  const isOwn = (own: string): boolean => domain === null || own === domain
  const harmed = byDomain(rows).find(([own, gains]) => {
    if (isOwn(own)) return false
    const { gain, errors } = gainOf(gains)
    return gain < -least && errors < -leastErrors
  })
  const own = rows.filter((row) => isOwn(row.domain)).map(({ bits }) => bits)
  return { ...gainOf(own), harmed: harmed?.[0] ?? null }
}

/** The mean of some gains in bits, and how many standard errors it is above 0; nothing of fewer than two. */
function gainOf(gains: readonly number[]): Pick<Tried, 'gain' | 'errors'> {
  if (gains.length < 2) return { gain: 0, errors: 0 }
  // The comparison of trials takes nats.
  const nats = gains.map((bits) => bits * Math.LN2)
  const none = nats.map(() => 0)
  const { gain, error } = pairedGain(nats, none)
  return { gain, errors: error > 0 ? gain / error : gain === 0 ? 0 : Math.sign(gain) * Infinity }
}

/** The way that gains most, where that is beyond chance. */
function bestOf(tried: readonly Tried[]): Tried | null {
  const good = tried.filter(
    ({ gain, errors, harmed }) => gain > least && errors > leastErrors && harmed === null,
  )
  return good.reduce<Tried | null>((best, one) => (best === null || one.gain > best.gain ? one : best), null)
}

function outcomeOf(best: Tried | null, tried: readonly Tried[]): string {
  if (best !== null) {
    return `${best.way.name}, ${best.gain.toFixed(2)} bits better on rows that are held back (${best.errors.toFixed(1)} standard errors)`
  }
  if (tried.length === 0) return 'no way could be tried'
  const told = tried.map(({ way, gain, errors, harmed }) => {
    const harm = harmed === null ? '' : ` and harm to ${harmed}`
    return `${way.name} ${gain.toFixed(2)} bits (${errors.toFixed(1)} standard errors)${harm}`
  })
  return `no way helped: ${told.join(', ')}`
}
