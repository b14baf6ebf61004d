/** What pruning costs: the share of hidden units that are dropped, least important first, against the loss. */
import { batchOfTokens, joinBatches, partImportance } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { lossOn, type TrainedModel } from './trained-models.ts'

/** One point of the curve. */
export interface PrunedPoint {
  readonly share: number
  readonly loss: number
  /** With as many units dropped by chance. */
  readonly randomLoss: number
  readonly megabytes: number
}

export async function pruningCurve(trained: TrainedModel, shares: readonly number[]): Promise<PrunedPoint[]> {
  const { model, calibration, judged } = trained
  const rows = calibration.map((row) => batchOfTokens(row, row.length - 1, 'calibration'))
  const importance = await partImportance(model, joinBatches(rows))
  const random = new RandomStream(keyFromSeed(7))
  const points: PrunedPoint[] = []
  for (const share of shares) {
    const byImportance = await pruned(model, share, (block) => {
      return importance.find((own) => own.block === block)?.hidden as readonly number[]
    })
    const byChance = await pruned(model, share, (_, units) =>
      Array.from({ length: units }, () => random.uniform()),
    )
    points.push({
      share,
      loss: lossOn(byImportance, judged),
      randomLoss: lossOn(byChance, judged),
      megabytes: (4 * byImportance.parameters.size) / 1e6,
    })
    byImportance.dispose()
    byChance.dispose()
  }
  return points
}

/** A copy of a model without the units that score lowest. */
async function pruned(
  model: Gpt,
  share: number,
  scoresOf: (block: string, units: number) => readonly number[],
): Promise<Gpt> {
  const copy = Gpt.fromState(await model.toState(), model.device)
  using probe = copy.device.tensor([0, 1], { shape: [1, 2], dtype: 'i32' })
  for (const { id, mlpHidden } of copy.config.blocks) {
    const scores = scoresOf(id, mlpHidden)
    const order = [...scores.keys()].toSorted((a, b) => scores[a] - scores[b])
    const drop = order.slice(0, Math.round(share * mlpHidden)).toSorted((a, b) => a - b)
    if (drop.length === 0) continue
    await grow(copy, { kind: 'pruneUnits', block: id, drop }, { mirrors: [], probe, key: [1, 1] })
  }
  return copy
}
