/** Measures by rows that are held back what is known, when it is due. */
import type { LoraAdapter } from '@burgeon/gpt'
import type { ContextLabels } from '../context/context-labels.ts'
import type { Intake } from '../model/intake.ts'
import type { Model } from '../model/model.ts'
import type { MeasureRows, Probes } from '../probes/probes.ts'
import { rowLossesOf } from '../probes/row-losses.ts'
import { isTokenBatch, readOf, rowsBetween } from '../stream/batch.ts'
import type { Upkeep } from './upkeep.ts'

/** Measures rows as the model is now. */
export function measuringRows(
  model: Model,
  adapter: LoraAdapter | undefined,
  { within, bytesOf }: Intake,
  context?: ContextLabels,
): MeasureRows {
  return async (rows) => {
    const batch = within(rows)
    const { rowLosses, predictions } = await rowLossesOf(model, adapter, batch, context)
    return rowLosses.map((loss, row) => ({
      bits: (loss * predictions[row]) / Math.LN2,
      bytes: bytesOf(rowsBetween(batch, row, row + 1)).length || predictions[row],
    }))
  }
}

/** One event for each measurement. */
export function probing(
  probes: Probes,
  model: Model,
  adapter: LoraAdapter | undefined,
  intake: Intake,
  context?: ContextLabels,
): Upkeep {
  const measureRows = measuringRows(model, adapter, intake, context)
  return {
    name: probes.name,
    async afterStep({ step, fresh, old }) {
      const learnt = [fresh, ...(old ? [old] : [])].reduce(
        (total, batch) => total + (isTokenBatch(batch) ? readOf(batch).length : batch.rows),
        0,
      )
      const domains = await probes.afterStep(learnt, measureRows)
      if (domains === null) return []
      const told = Object.entries(domains).map(
        ([domain, { bits, forgotten }]) => `${domain} ${bits.toFixed(2)} (${forgotten.toFixed(2)} forgotten)`,
      )
      const summary = `rows held back, in bits/byte: ${told.join(', ')}`
      return [{ kind: 'probed', step, part: probes.name, summary, data: { domains } }]
    },
  }
}
