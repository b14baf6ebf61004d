/** Finds in a journal what growth policies had measured. */
import { checkArgument, checks } from '@burgeon/tensor'
import type { Measurement } from '../growth/measure/measurement.ts'
import type { LearnerEvent } from './event.ts'

const someEvents = checks.list(
  'the journal of a learner',
  checks.role<LearnerEvent>('an event', 'kind', 'step'),
)

/**
 * The measurements in a learner's journal, by step, for `dryRun`.
 *
 * @example
 * ```ts
 * const strategy = { growth: growByGradient() }
 * const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }), strategy })
 * const measurements = measurementsIn(learner.journal)
 * ```
 */
export function measurementsIn(journal: readonly LearnerEvent[]): Record<number, Measurement> {
  checkArgument('measurementsIn', 'journal', journal, someEvents)
  const measurements: Record<number, Measurement> = {}
  for (const event of journal) {
    if ('measured' in event.data && event.data.measured) measurements[event.step] = event.data.measured
  }
  return measurements
}
