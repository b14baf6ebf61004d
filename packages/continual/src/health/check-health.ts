/** The health of a learner, looked at from outside. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { aHealthRecord, examine } from './examine.ts'
import type { HealthRecord, HealthReport } from '../journal/sleep/health-finding.ts'
import { Learner } from '../learner.ts'
import type { Model } from '../model/model.ts'

/** What to compare with. */
export interface CheckHealthOptions {
  /** What an earlier look has returned as `record`. Nothing unless given. */
  readonly record?: HealthRecord
}

/**
 * Looks between two steps at weights and moments (finite; of each block not three times as large or small as
 * at the last look), hidden units (at most a quarter dormant, activations in at least a fiftieth of the
 * directions, and more than one), what is remembered and held back (some, within its room), and detectors
 * (moved by the steps since). Hidden units are looked at on rows that are held back. Changes nothing.
 *
 * @throws OptionError for what is no learner, or a record that is none.
 * @example
 * ```ts
 * const { findings, record } = await checkHealth(learner)
 * console.log(findings.filter(({ ok }) => !ok), record.step)
 * ```
 */
export async function checkHealth<M extends Model>(
  learner: Learner<M>,
  options: CheckHealthOptions = {},
): Promise<HealthReport> {
  checkArgument('checkHealth', 'learner', learner, checks.instance('a Learner', Learner))
  checkOptions('checkHealth', options, { record: aHealthRecord })
  const { step, parts: states } = await learner.toState()
  const { rehearsal, probes } = learner.strategy
  return examine({ step, model: learner.model, states, rehearsal, probes }, options.record ?? null)
}
