/** A look at the health of the learner while it sleeps. */
import { checks, checkState, type StateChecks } from '@burgeon/tensor'
import { aHealthRecord, examine } from '../../health/examine.ts'
import type { HealthRecord } from '../../journal/sleep/health-finding.ts'
import { none } from '../../saved-state.ts'
import type { SleepJob } from '../sleep-job.ts'

interface State {
  readonly record: HealthRecord | null
}

const stateChecks: StateChecks<State> = { record: checks.either(aHealthRecord, none) }

/**
 * Looks at all that `checkHealth` looks at, beside what the last sleep has found, and has it stand in the
 * event. Changes nothing.
 *
 * @example
 * ```ts
 * const asleep = sleep({ when: everySteps(1000), jobs: [healthJob(), rehearsalJob()] })
 * ```
 */
export function healthJob(): SleepJob {
  let record: HealthRecord | null = null
  return {
    name: 'health',
    changesWeights: false,
    async run({ step, model, rehearsal, probes, states }) {
      const report = await examine({ step, model, states: await states(), rehearsal, probes }, record)
      const { findings } = report
      const wrong = findings.filter(({ ok }) => !ok)
      record = report.record
      const told = wrong.map(
        ({ name, where, seen, expected }) =>
          `${name} of ${where}: ${shownNumber(seen)}, expected ${expected}`,
      )
      const summary = wrong.length === 0 ? `${findings.length} checks hold` : told.join('; ')
      return { summary, findings, after: wrong.length }
    },
    toState: (): State => ({ record }),
    restore(state) {
      record = checkState<State>('health', state, stateChecks).record
    },
  }
}

const shownNumber = (x: number): string => (Number.isInteger(x) ? String(x) : x.toPrecision(3))
