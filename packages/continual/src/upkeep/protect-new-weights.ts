/** Has penalties and projections protect what growth has just added. */
import type { Rehearsal } from '../rehearsal/rehearsal.ts'
import type { Batch } from '../stream/batch.ts'
import { type Consolidated, consolidationRows } from './consolidation.ts'
import type { Upkeep } from './upkeep.ts'

/**
 * In a step whose growth has added weights, has those parts judge them by rows of memory, which are in the
 * tokens of by then.
 *
 * @param within Cuts rows to what the model can read now.
 */
export function protectNewWeights(
  parts: readonly Consolidated[],
  memory: Rehearsal,
  within: (batch: Batch) => Batch,
): Upkeep {
  const judging = parts.filter((part) => part.afterGrowth !== undefined)
  return {
    name: 'new weights',
    afterStep({ events, model, fresh }) {
      const hasGrown = events.some(
        ({ kind, data }) => kind === 'growth' && data.record.parametersAfter > data.record.parametersBefore,
      )
      if (judging.length === 0 || !hasGrown) return []
      const sample = within(memory.sample(consolidationRows(judging)) ?? fresh)
      for (const part of judging) part.afterGrowth?.(model, sample)
      return []
    },
  }
}
