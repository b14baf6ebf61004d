/**
 * Smaller by the same algebra: units, heads and blocks are dropped, and can be brought back with all that
 * belongs to them.
 */
import { type DimensionMap, OptionError } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import { blockSpecs } from '../../config/parameters.ts'
import type { PruneHeads, PruneUnits, PruneLayer } from '../requests/growth-request.ts'
import { blockOf, withBlock } from '../changes/block-edits.ts'
import { resizeAxis, specsOf, zero } from '../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../changes/planned-growth.ts'

/** The configuration without some hidden units of a block. */
function withoutHidden(config: GptConfig, { block: id, drop }: PruneUnits): GptConfig {
  const { mlpHidden: from } = blockOf('pruneUnits', config, id)
  checkDrop('pruneUnits', from, drop)
  return withBlock(config, id, { mlpHidden: from - drop.length })
}

/**
 * The configuration without some query heads of a block, and without keys and values that no head reads any
 * more.
 */
function withoutHeads(config: GptConfig, { block: id, drop }: PruneHeads): GptConfig {
  const { heads: from, kvHeads: groups } = blockOf('pruneHeads', config, id)
  checkDrop('pruneHeads', from, drop)
  const left = leftInGroups(from, groups, drop)
  const sizes = new Set(left.filter((heads) => heads > 0))
  if (sizes.size > 1) {
    throw new OptionError(
      `grow pruneHeads: got drop ${listed(drop)} for block ${id}, which leaves ${left.join(', ')} of the heads that share keys and values; ` +
        'expected whole groups, or as many of each.',
    )
  }
  const unread = left.filter((heads) => heads === 0).length
  return withBlock(config, id, { heads: from - drop.length, kvHeads: groups - unread })
}

/** The configuration without a block. */
function withoutLayer(config: GptConfig, request: PruneLayer): GptConfig {
  const { id } = blockOf('pruneLayer', config, request.block)
  if (config.blocks.length === 1)
    throw new OptionError(`grow pruneLayer: got block ${id}, the last one; expected two blocks or more.`)
  return { ...config, blocks: config.blocks.filter((block) => block.id !== id) }
}

/** How many heads of each group stay. */
function leftInGroups(heads: number, groups: number, drop: readonly number[]): number[] {
  const left = Array.from({ length: groups }, () => heads / groups)
  for (const head of drop) left[Math.floor(head / (heads / groups))]--
  return left
}

/** Without some hidden units: their columns of what reads and their rows of what writes. */
function planWithoutHidden(request: PruneUnits, { config, after, key }: GrowthStep): PlannedGrowth {
  const { block: id, drop } = request
  const { mlpHidden: from } = blockOf('pruneUnits', config, id)
  const map = without(from, drop)
  const changes = resizeAxis(specsOf(config, id, 'mlp'), 'mlpHidden', map, () => zero)
  const summary = `block ${id}: mlpHidden ${from} → ${map.source.length}, without ${listed(drop)}`
  return planned(request, { config, after, key, summary, changes, isExact: false })
}

/** Without some query heads, and without the keys and values that no head reads any more. */
function planWithoutHeads(request: PruneHeads, { config, after, key }: GrowthStep): PlannedGrowth {
  const { block: id, drop } = request
  const { heads: from, kvHeads: groups } = blockOf('pruneHeads', config, id)
  const map = without(from, drop)
  const unread = leftInGroups(from, groups, drop).flatMap((heads, group) => (heads === 0 ? [group] : []))
  const specs = specsOf(config, id, 'attention')
  const keysAndValues =
    unread.length === 0 ? [] : resizeAxis(specs, 'kvHead', without(groups, unread), () => zero)
  const changes = [...resizeAxis(specs, 'head', map, () => zero), ...keysAndValues]
  const summary = `block ${id}: heads ${from} → ${map.source.length}, without ${listed(drop)}`
  return planned(request, { config, after, key, summary, changes, isExact: false })
}

/** Without a block: the residual stream passes its place as it is. */
function planWithoutLayer(request: PruneLayer, { config, after, key }: GrowthStep): PlannedGrowth {
  const block = blockOf('pruneLayer', config, request.block)
  const count = config.blocks.length
  const changes = blockSpecs(config, block, zero).map(({ path }) => ({ kind: 'remove', path }) as const)
  const summary = `layer ${count} → ${count - 1}: without block ${block.id}`
  return planned(request, { config, after, key, summary, changes, isExact: false })
}

/** Throws OptionError unless `drop` names some of `from` slices, each once, and leaves one. */
function checkDrop(kind: string, from: number, drop: readonly number[]): void {
  const areFew = drop.length > 0 && drop.length < from
  const areSlices = areFew && drop.every((at) => Number.isInteger(at) && at >= 0 && at < from)
  if (areSlices && new Set(drop).size === drop.length) return
  throw new OptionError(
    `grow ${kind}: got drop ${drop.length === 0 ? 'nothing' : listed(drop)}; expected some of 0 to ${from - 1}, each once, and at least one to stay.`,
  )
}

/** All of `from` slices but those of `drop`. */
function without(from: number, drop: readonly number[]): DimensionMap {
  const dropped = new Set(drop)
  return { from, source: Array.from({ length: from }, (_, i) => i).filter((i) => !dropped.has(i)) }
}

function listed(drop: readonly number[]): string {
  return drop.length <= 8 ? drop.join(', ') : `${drop.length} of them`
}

/** The operator of `PruneUnits`. */
export const pruneUnits: Operator<PruneUnits> = { configAfter: withoutHidden, plan: planWithoutHidden }
export const pruneHeads: Operator<PruneHeads> = { configAfter: withoutHeads, plan: planWithoutHeads }
/** The operator of `PruneLayer`. */
export const pruneLayer: Operator<PruneLayer> = { configAfter: withoutLayer, plan: planWithoutLayer }
