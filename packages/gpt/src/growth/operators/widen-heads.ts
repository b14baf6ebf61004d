/** Wider heads in a block. */
import { type DimensionMap, extendAxis, OptionError } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import type { ParameterSpec } from '../../config/parameters.ts'
import type { WidenHeads } from '../requests/growth-request.ts'
import { blockOf, withBlock } from '../changes/block-edits.ts'
import { resizeAxis, small, specsOf, zero } from '../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../changes/planned-growth.ts'
import { checkGrows } from '../requests/check-values.ts'

/** The configuration with wider heads in one block. */
function configAfter(config: GptConfig, { block: id, to }: WidenHeads): GptConfig {
  const { headDim: from, scoreWidth = from, frequencies } = blockOf('widenHeads', config, id)
  checkGrows('widenHeads', from, to)
  if (config.queryKeyNorm) {
    throw new OptionError(
      `grow widenHeads: got block ${id} of a model with queryKeyNorm; expected one without. New channels of ` +
        'queries would change what their norm makes of the old ones. Grow addHeads instead.',
    )
  }
  if (frequencies && to % 2 !== 0) {
    throw new OptionError(`grow widenHeads: got to = ${to} with rotary positions; expected an even number.`)
  }
  const added = (to - from) / 2
  const more = (): number[] => Array.from({ length: added }, (_, i) => 10_000 ** (-(i + 0.5) / added))
  return withBlock(config, id, {
    headDim: to,
    scoreWidth,
    ...(frequencies && { frequencies: [...frequencies, ...more()] }),
  })
}

/**
 * New channels of keys are 0 and meet random queries, so scores stay, and keys learn at once; new channels of
 * values are random and meet rows of 0 in the output projection, which learn at once. Scores go on being
 * divided by the root of the width that the head was born with. Of adapters, what belongs to new channels is
 * 0. With rotary positions old pairs keep their frequencies, and new ones get frequencies spread over the
 * same range.
 */
function plan(request: WidenHeads, { config, after, key }: GrowthStep): PlannedGrowth {
  const { block: id, to } = request
  const { headDim: from, frequencies } = blockOf('widenHeads', config, id)
  const rotary = frequencies ? atTheEndOfBothHalves(from, to) : extendAxis(from, to)
  const map = ({ path }: ParameterSpec): DimensionMap =>
    /\.(query|key)\./.test(path) ? rotary : extendAxis(from, to)
  const fresh = ({ path }: ParameterSpec): typeof zero =>
    /\.(query|value)\.weight$/.test(path) ? small : zero
  const changes = resizeAxis(specsOf(config, id, 'attention'), 'headDim', map, fresh)
  const summary = `block ${id}: headDim ${from} → ${to}`
  return planned(request, { config, after, key, summary, changes })
}

/** The pairs of rotary positions are channels i and i + D/2: both halves get longer. */
function atTheEndOfBothHalves(from: number, to: number): DimensionMap {
  const [half, longer] = [from / 2, to / 2]
  const source = Array.from({ length: to }, (_, i) => {
    const place = i % longer
    return place < half ? place + (i < longer ? 0 : half) : -1
  })
  return { from, source }
}

/** The operator of `WidenHeads`. */
export const widenHeads: Operator<WidenHeads> = { configAfter, plan }
