/** Tells every penalty, when it is due, to protect the present weights. */
import type { Gpt } from '@burgeon/gpt'
import type { LearnerEvent } from '../step-report.ts'
import type { Strategy } from '../strategy.ts'
import type { Batch } from '../stream/batch.ts'
import { onDrift, type TriggerSignals } from '../trigger.ts'

/** What a consolidation needs of the learner. */
export interface ConsolidationContext {
  readonly model: Gpt
  readonly signals: TriggerSignals
  /** Draws rows that were learnt before this step, to judge by. Called once, and only if it is due. */
  readonly sample: () => Batch
}

/** Makes the present weights the ones to protect, if the strategy's trigger says so. One event per penalty. */
export function consolidate(
  { penalties = [], consolidateWhen = onDrift }: Strategy,
  { model, signals, sample }: ConsolidationContext,
): LearnerEvent[] {
  if (penalties.length === 0 || !consolidateWhen(signals)) return []
  const rows = sample()
  return penalties.map((penalty) => {
    penalty.consolidate(model, rows)
    return { kind: 'consolidation', step: signals.step, penalty: penalty.name, rows: rows.rows }
  })
}
