/** Looks at all of a learner that can be looked at between two steps. */
import { type Check, checks, fields } from '@burgeon/tensor'
import type { HealthFinding, HealthRecord, HealthReport } from '../journal/sleep/health-finding.ts'
import type { PartState } from '../learner-state.ts'
import type { Model } from '../model/model.ts'
import { type Probes, rowsOf } from '../probes/probes.ts'
import type { Rehearsal } from '../rehearsal/rehearsal.ts'
import { joinBatches } from '../stream/batch.ts'
import { detectorFindings, detectorSums } from './detector-findings.ts'
import { finiteStates, finiteWeights } from './finite.ts'
import { storeFindings } from './store-findings.ts'
import { unitFindings } from './unit-findings.ts'
import { blockOf, comparableSizes, weightFindings, weightSizes } from './weight-sizes.ts'

/** What is looked at. */
export interface Examined {
  readonly step: number
  readonly model: Model
  /** Of all parts. */
  readonly states: readonly PartState[]
  readonly rehearsal?: Rehearsal | undefined
  readonly probes?: Probes | undefined
}

const numbers = checks.record('numbers by name', checks.number())

/** A record that a file may have damaged. */
export const aHealthRecord: Check<HealthRecord> = fields<HealthRecord>('a record of health', {
  step: checks.count,
  weights: checks.record('sizes by block', checks.number({ from: 0 })),
  detectors: numbers,
})

/**
 * Changes nothing.
 *
 * @param before What the last look has found; null before the first.
 */
export async function examine(
  { step, model, states, rehearsal, probes }: Examined,
  before: HealthRecord | null,
): Promise<HealthReport> {
  const held = probes ? await rowsOf(probes) : []
  const sizes = await weightSizes(model.parameters, blockOf)
  const detectors = detectorSums(states)
  const finite = [await finiteWeights(model.parameters), finiteStates(states)]
  const areFinite = finite.every(({ ok }) => ok)
  const findings: HealthFinding[] = [
    ...finite,
    ...weightFindings(sizes, before),
    // Where numbers are none, so is what is made of them.
    ...(held.length > 0 && areFinite ? await unitFindings(model, joinBatches(held)) : []),
    ...storeFindings(rehearsal, probes),
    ...detectorFindings(detectors, step, before),
  ]
  return { findings, record: { step, weights: comparableSizes(sizes, before?.weights), detectors } }
}
