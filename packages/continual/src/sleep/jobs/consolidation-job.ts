/** Consolidation while asleep: penalties and projections protect the present weights. */
import { OptionError } from '@burgeon/tensor'
import { operationsOf } from '../../model/operations-of.ts'
import { predictionsOf } from '../../stream/batch.ts'
import { consolidatedEvent, consolidatedOf, consolidationRows } from '../../upkeep/consolidation.ts'
import type { SleepJob } from '../sleep-job.ts'

/**
 * Has every penalty and projection take the present weights as the ones to protect, judged by rows that are
 * remembered; beside `consolidateWhen`, or in its place with `neverTrigger`.
 *
 * @throws OptionError where a learner is built with nothing that is consolidated.
 * @example
 * ```ts
 * const strategy = {
 *   penalties: [onlineEwc({ strength: 5 })],
 *   consolidateWhen: neverTrigger,
 *   sleep: sleep({ when: everySteps(1000), jobs: [consolidationJob()] }),
 * }
 * ```
 */
export function consolidationJob(): SleepJob {
  return {
    name: 'consolidation',
    changesWeights: false,
    begin({ penalties, projections }) {
      if (consolidatedOf(penalties, projections).length > 0) return
      throw new OptionError(
        'consolidationJob: the strategy has nothing that is consolidated; expected a penalty, such as onlineEwc({ strength: 5 }).',
      )
    },
    run({ model, penalties, projections, step, sample, pay }) {
      const parts = consolidatedOf(penalties, projections)
      const rows = sample(consolidationRows(parts))
      if (rows === null || !pay(parts.length * predictionsOf(rows) * operationsOf(model).training))
        return null
      for (const part of parts) part.consolidate(model, rows)
      const events = parts.map((part) => consolidatedEvent(part, rows, step))
      return { summary: events.map(({ summary }) => summary).join('; '), events }
    },
  }
}
