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
  const block = blockOf('widenHeads', config, id)
  const { headDim: from, scoreWidth = from, headNormWidth = from, frequencies } = block
  checkGrows('widenHeads', from, to)
  if (config.queryKeyNorm && to > 2 * from) {
    throw new OptionError(
      `grow widenHeads: got to = ${to} for block ${id} of a model with queryKeyNorm; expected at most ` +
        `${2 * from}: each channel of queries and keys splits in two.`,
    )
  }
  if (frequencies && to % 2 !== 0) {
    throw new OptionError(`grow widenHeads: got to = ${to} with rotary positions; expected an even number.`)
  }
  const added = (to - from) / 2
  const more = (old: readonly number[]): readonly number[] =>
    config.queryKeyNorm
      ? old.slice(0, added)
      : Array.from({ length: added }, (_, i) => 10_000 ** (-(i + 0.5) / added))
  return withBlock(config, id, {
    headDim: to,
    scoreWidth,
    ...(config.queryKeyNorm && { headNormWidth }),
    ...(frequencies && { frequencies: [...frequencies, ...more(frequencies)] }),
  })
}

/**
 * New channels of keys are 0 and meet random queries, so scores stay, and keys learn at once; new channels of
 * values are random and meet rows of 0 in the output projection, which learn at once. Scores go on being
 * divided by the root of the width that the head was born with. Of adapters, what belongs to new channels is
 * 0. With rotary positions old pairs keep their frequencies, and new ones get frequencies spread over the
 * same range.
 *
 * Where queries and keys are normalized, a new number would change what becomes of the old ones: there the
 * first channels (pairs, with rotary positions) split in two that keep their sum of squares.
 */
function plan(request: WidenHeads, { config, after, key }: GrowthStep): PlannedGrowth {
  const { block: id, to } = request
  const { headDim: from, frequencies } = blockOf('widenHeads', config, id)
  const places: Places = { from, to, parts: frequencies ? 2 : 1 }
  const map = ({ path }: ParameterSpec): DimensionMap => {
    if (!/\.(query|key)\./.test(path)) return extendAxis(from, to)
    if (!config.queryKeyNorm) return { from, source: sources(places, () => -1) }
    return path.endsWith('.norm.gain') ? splitGains(places) : splitChannels(places)
  }
  const fresh = ({ path }: ParameterSpec): typeof zero =>
    /\.(query|value)\.weight$/.test(path) ? small : zero
  const changes = resizeAxis(specsOf(config, id, 'attention'), 'headDim', map, fresh)
  const summary = `block ${id}: headDim ${from} → ${to}${config.queryKeyNorm ? ' (split)' : ''}`
  return planned(request, { config, after, key, summary, changes })
}

/**
 * Channels of a query or key. The pairs of rotary positions are channels i and i + D/2: both halves get
 * longer.
 */
interface Places {
  readonly from: number
  readonly to: number
  /** 2 for halves that get longer, otherwise 1. */
  readonly parts: 1 | 2
}

/** The old channel of each; `ofNew` says it for the i-th new one of a part, which begins at `start`. */
function sources({ from, to, parts }: Places, ofNew: (i: number, start: number) => number): number[] {
  const [old, present] = [from / parts, to / parts]
  return Array.from({ length: to }, (_, channel) => {
    const [i, start] = [channel % present, channel < present ? 0 : old]
    return i < old ? start + i : ofNew(i - old, start)
  })
}

/**
 * The i-th new channel of a part is a copy of the i-th old one. The halves are 1/2 and √3/2 of the channel:
 * their squares add up to its own, so norms and scores stay, and the half, a power of two, makes the inverse
 * exact. A half's gradient is its share of the channel's.
 */
function splitChannels(places: Places): DimensionMap {
  const share = shares(places, 1 / 2, Math.sqrt(3) / 2)
  return { ...copies(places), valueFactor: share, gradientFactor: share }
}

/** Both gains are that of the channel; their gradients, 1/4 and 3/4 of it, let the halves diverge. */
function splitGains(places: Places): DimensionMap {
  return { ...copies(places), gradientFactor: shares(places, 1 / 4, 3 / 4) }
}

const copies = (places: Places): DimensionMap => ({
  from: places.from,
  source: sources(places, (i, start) => start + i),
})

/** `kept` for a channel that has a copy, `copied` for the copy, 1 for all others. */
function shares({ from, to, parts }: Places, kept: number, copied: number): number[] {
  const [old, present] = [from / parts, to / parts]
  return Array.from({ length: to }, (_, channel) => {
    const i = channel % present
    return i >= old ? copied : i < present - old ? kept : 1
  })
}

/** The operator of `WidenHeads`. */
export const widenHeads: Operator<WidenHeads> = { configAfter, plan }
