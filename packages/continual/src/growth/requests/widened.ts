/** The request and the choice of a block that policies which widen MLPs share. */
import type { BlockConfig, GptConfig } from '@burgeon/gpt'
import type { GrowthRequest, WidenMlp } from '@burgeon/gpt/growth'
import type { BlockSignals, Measurement } from '../measure/measurement.ts'

/**
 * A request to widen the MLP of a block by a share of its units, and by at least one.
 *
 * @param how Where new units come from; `fresh` unless given.
 */
export function widened({ id, mlpHidden }: BlockConfig, share: number, how?: WidenMlp['how']): GrowthRequest {
  const to = mlpHidden + Math.max(1, Math.round(mlpHidden * share))
  return { kind: 'widenMlp', block: id, to, ...(how && { how }) }
}

/** A block with what was measured of it. */
export interface MeasuredBlock {
  readonly block: BlockConfig
  readonly signals: BlockSignals
}

/** Blocks that have been measured and still exist, from the input to the output. */
export function measuredBlocks(config: GptConfig, { blocks }: Measurement): MeasuredBlock[] {
  return config.blocks.flatMap((block) => {
    const signals = blocks.find((other) => other.block === block.id)
    return signals === undefined ? [] : [{ block, signals }]
  })
}

/** The first of them with the largest value; undefined if there are none. */
export function largestBy(
  blocks: readonly MeasuredBlock[],
  value: (signals: BlockSignals) => number,
): MeasuredBlock | undefined {
  return blocks.reduce<MeasuredBlock | undefined>(
    (best, next) => (best === undefined || value(next.signals) > value(best.signals) ? next : best),
    undefined,
  )
}
