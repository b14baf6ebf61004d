/** Makes every penalty and projection protect the present weights when it is due. */
import type { LearnerEvent } from '../journal/event.ts'
import type { Rehearsal } from '../rehearsal/rehearsal.ts'
import type { Batch } from '../stream/batch.ts'
import { type Trigger, triggerSignals } from '../trigger.ts'
import type { Upkeep } from './upkeep.ts'
import type { Penalty } from '../penalty/penalty.ts'
import type { Projection } from '../projection/projection.ts'

/** A part that is told when to protect the present weights. */
export type Consolidated = Pick<Penalty, 'name' | 'consolidate' | 'sampleRows' | 'afterGrowth'>

/** Those of a strategy, in order. */
export const consolidatedOf = (
  penalties: readonly Penalty[],
  projections: readonly Projection[],
): readonly Consolidated[] => [
  ...penalties,
  ...projections.filter((part): part is Projection & Consolidated => part.consolidate !== undefined),
]

/** Rows of memory by which parts judge what is important. */
export const consolidationRows = (parts: readonly Consolidated[]): number =>
  Math.max(1, ...parts.map(({ sampleRows = 32 }) => sampleRows))

/**
 * Makes the present weights the ones to protect whenever the trigger fires. What is important is judged by
 * what came before this step, so it acts before the new rows are remembered. One event for each part.
 *
 * @param within Cuts rows to what the model can read now.
 */
export function consolidation(
  parts: readonly Consolidated[],
  consolidateWhen: Trigger,
  memory: Rehearsal,
  within: (batch: Batch) => Batch,
): Upkeep {
  return {
    name: 'consolidation',
    afterStep(context) {
      if (parts.length === 0 || !consolidateWhen(triggerSignals(context))) return []
      const { step, model, fresh } = context
      const sample = within(memory.sample(consolidationRows(parts)) ?? fresh)
      return parts.map((part) => {
        part.consolidate(model, sample)
        return consolidatedEvent(part, sample, step)
      })
    },
  }
}

/** A part has been told to protect the present weights, as some rows judge them. */
export function consolidatedEvent({ name }: Consolidated, { rows }: Batch, step: number): LearnerEvent {
  const summary = `consolidated what was known (${name}, ${rows} rows)`
  return { kind: 'consolidation', step, part: name, summary, data: { rows } }
}
