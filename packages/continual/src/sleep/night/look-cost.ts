/** What it costs to look at rows. */
import { Gpt } from '@burgeon/gpt'
import type { Model } from '../../model/model.ts'
import { operationsOf } from '../../model/operations-of.ts'
import { type Probes, rowsOf } from '../../probes/probes.ts'
import { predictionsOf } from '../../stream/batch.ts'

/** Most predictions of a row. */
export const longestRowOf = (model: Model): number => (model instanceof Gpt ? model.config.context : 1)

/** Operations of one measurement of the rows that are held back. */
export async function lookCost(model: Model, probes: Probes): Promise<number> {
  const held = await rowsOf(probes)
  const predictions = held.reduce((total, rows) => total + predictionsOf(rows), 0)
  return predictions * operationsOf(model).forward
}
