/** Hidden units that do nothing, and activations that fill few directions. */
import { requireLayered } from '../model/hidden/of-model.ts'
import { measurePlasticity } from '../metrics/measure-plasticity.ts'
import type { HealthFinding } from '../journal/sleep/health-finding.ts'
import type { Model } from '../model/model.ts'
import { type Batch, predictionsOf } from '../stream/batch.ts'

/** Share of dormant units of a layer from which on something is wrong. */
const mostDormant = 0.25
/** Share of the directions that activations could fill, below which something is wrong. */
const leastRank = 0.02
/** So many are hardly one, and too few of any number. */
const hardlyOne = 1.5

/** Two findings for each layer of a model whose hidden units are known; none of another. */
export async function unitFindings(model: Model, rows: Batch): Promise<HealthFinding[]> {
  try {
    requireLayered('health', model)
  } catch {
    return []
  }
  const predictions = predictionsOf(rows)
  const signs = await measurePlasticity(model, rows as never)
  return signs.flatMap(({ layer: where, units, dormant, effectiveRank }): HealthFinding[] => {
    const most = Math.min(units, predictions)
    const least = Math.min(most, Math.max(hardlyOne, leastRank * most))
    return [
      {
        ...{ name: 'dormant units', where, seen: dormant, ok: dormant <= mostDormant },
        expected: `a share of at most ${mostDormant}`,
      },
      {
        ...{ name: 'effective rank', where, seen: effectiveRank, ok: effectiveRank >= least },
        expected: `at least ${least.toFixed(1)} directions`,
      },
    ]
  })
}
