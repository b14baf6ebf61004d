/** Measures by rows that are held back what is known, when it is due. */
import type { LoraAdapter } from '@burgeon/gpt'
import type { ContextLabels } from '../context/context-labels.ts'
import { bitsPerByte } from '../metrics/prequential.ts'
import type { Intake } from '../model/intake.ts'
import type { Model } from '../model/model.ts'
import type { MeanBits, Probes } from '../probes/probes.ts'
import { rowLossesOf } from '../probes/row-losses.ts'
import { isTokenBatch, readOf } from '../stream/batch.ts'
import type { Upkeep } from './upkeep.ts'

/** Mean loss of rows as the model is now, in bits per byte (or example). */
export function meanBitsOf(
  model: Model,
  adapter: LoraAdapter | undefined,
  { within, bytesOf }: Intake,
  context?: ContextLabels,
): MeanBits {
  return async (rows) => {
    const batch = within(rows)
    const { rowLosses, predictions } = await rowLossesOf(model, adapter, batch, context)
    const nats = rowLosses.reduce((total, loss, row) => total + loss * predictions[row], 0)
    const bytes = bytesOf(batch).length
    return bitsPerByte(nats / (bytes === 0 ? predictions.reduce((a, b) => a + b, 0) : bytes))
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
  const meanBits = meanBitsOf(model, adapter, intake, context)
  return {
    name: probes.name,
    async afterStep({ step, fresh, old }) {
      const learnt = [fresh, ...(old ? [old] : [])].reduce(
        (total, batch) => total + (isTokenBatch(batch) ? readOf(batch).length : batch.rows),
        0,
      )
      const domains = await probes.afterStep(learnt, meanBits)
      if (domains === null) return []
      const told = Object.entries(domains).map(
        ([domain, { bits, forgotten }]) => `${domain} ${bits.toFixed(2)} (${forgotten.toFixed(2)} forgotten)`,
      )
      const summary = `rows held back, in bits/byte: ${told.join(', ')}`
      return [{ kind: 'probed', step, part: probes.name, summary, data: { domains } }]
    },
  }
}
