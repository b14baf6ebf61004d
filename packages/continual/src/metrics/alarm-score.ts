/** The one definition of how good alarms are: for reports, benchmarks and documents alike. */
import { checkOptions, checks } from '@burgeon/tensor'

/**
 * A stream whose changes are known, and what was reported. All places are in one unit, such as bytes or
 * steps.
 */
export interface AlarmRun {
  /** Places where the stream changed, ascending. */
  readonly changes: readonly number[]
  /** Places where alarms were raised, ascending. */
  readonly alarms: readonly number[]
  /** The longest delay with which an alarm still counts as having noticed a change, > 0. */
  readonly within: number
}

/** One alarm: the first within the bound after a change is true, every other one is false. */
export interface ScoredAlarm {
  readonly at: number
  readonly isTrue: boolean
  /** From the change to the alarm; null for a false alarm. */
  readonly delay: number | null
}

/** Changes that were noticed and missed, and false alarms. */
export interface AlarmScore {
  readonly alarms: readonly ScoredAlarm[]
  readonly changes: number
  readonly noticed: number
  readonly missed: number
  readonly falseAlarms: number
}

/**
 * Scores alarms against the true changes of a stream. A change that no alarm follows within the bound was
 * missed, and an alarm that comes later than that is a false one.
 *
 * @throws OptionError for a bound that is not positive.
 */
export function scoreAlarms(run: AlarmRun): AlarmScore {
  const places = checks.list('a list of numbers', checks.number())
  checkOptions('scoreAlarms', run, {
    changes: checks.required(places),
    alarms: checks.required(places),
    within: checks.required(checks.number({ above: 0, infinite: true })),
  })
  const { changes, alarms, within } = run
  const noticed = new Set<number>()
  const scored = alarms.map((at): ScoredAlarm => {
    const change = lastBefore(changes, at)
    if (change === undefined || at - change > within || noticed.has(change))
      return { at, isTrue: false, delay: null }
    noticed.add(change)
    return { at, isTrue: true, delay: at - change }
  })
  return {
    alarms: scored,
    changes: changes.length,
    noticed: noticed.size,
    missed: changes.length - noticed.size,
    falseAlarms: scored.filter(({ isTrue }) => !isTrue).length,
  }
}

/**
 * The last of ascending places that lies before another; found by halving, for both lists may be very long.
 */
function lastBefore(places: readonly number[], at: number): number | undefined {
  let [from, to] = [0, places.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (places[middle] < at) from = middle + 1
    else to = middle
  }
  return places[from - 1]
}
