/** Makes every penalty protect the present weights when it is due. */
import type { Rehearsal } from '../rehearsal/rehearsal.ts'
import type { Batch } from '../stream/batch.ts'
import { type Trigger, triggerSignals } from '../trigger.ts'
import type { Upkeep } from './upkeep.ts'
import type { Penalty } from '../penalty/penalty.ts'

/** Rows of memory by which a penalty judges what is important. */
export const consolidationRows = 32

/**
 * Makes the present weights the ones to protect whenever the trigger fires. What is important is judged by
 * what came before this step, so it acts before the new rows are remembered. One event per penalty.
 *
 * @param within Cuts rows to what the model can read now.
 */
export function consolidation(
  penalties: readonly Penalty[],
  consolidateWhen: Trigger,
  memory: Rehearsal,
  within: (batch: Batch) => Batch,
): Upkeep {
  return {
    name: 'consolidation',
    afterStep(context) {
      if (penalties.length === 0 || !consolidateWhen(triggerSignals(context))) return []
      const { step, model, fresh } = context
      const sample = within(memory.sample(consolidationRows) ?? fresh)
      return penalties.map((penalty) => {
        penalty.consolidate(model, sample)
        const { rows } = sample
        const summary = `consolidated what was known (${penalty.name}, ${rows} rows)`
        return { kind: 'consolidation', step, part: penalty.name, summary, data: { rows } } as const
      })
    },
  }
}
