/** Smaller by the same algebra: units, heads and blocks are dropped, and can be brought back with all that belongs to them. */
import { type DimensionMap, type Key, OptionError } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import { blockSpecs } from '../../config/parameters.ts'
import type { PruneHead, PruneHidden, PruneLayer } from '../requests/growth-request.ts'
import {
  blockOf,
  parametersBetween,
  type PlannedGrowth,
  resizeAxis,
  specsOf,
  withBlock,
  zero,
} from '../changes/planned-growth.ts'

/** The configuration without some hidden units of a block. */
export function withoutHidden(config: GptConfig, { block: id, drop }: PruneHidden): GptConfig {
  const { mlpHidden: from } = blockOf('pruneHidden', config, id)
  checkDrop('pruneHidden', from, drop)
  return withBlock(config, id, { mlpHidden: from - drop.length })
}

/** The configuration without some query heads of a block, and without keys and values that no head reads any more. */
export function withoutHeads(config: GptConfig, { block: id, drop }: PruneHead): GptConfig {
  const { heads: from, kvHeads: groups } = blockOf('pruneHead', config, id)
  checkDrop('pruneHead', from, drop)
  const left = leftInGroups(from, groups, drop)
  const sizes = new Set(left.filter((heads) => heads > 0))
  if (sizes.size > 1) {
    throw new OptionError(
      `grow pruneHead: got drop ${listed(drop)} for block ${id}, which leaves ${left.join(', ')} of the heads that share keys and values; ` +
        'expected whole groups, or as many of each.',
    )
  }
  const unread = left.filter((heads) => heads === 0).length
  return withBlock(config, id, { heads: from - drop.length, kvHeads: groups - unread })
}

/** The configuration without a block. */
export function withoutLayer(config: GptConfig, request: PruneLayer): GptConfig {
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
export function planPruneHidden(config: GptConfig, request: PruneHidden, key: Key): PlannedGrowth {
  const { block: id, drop } = request
  const { mlpHidden: from } = blockOf('pruneHidden', config, id)
  const after = withoutHidden(config, request)
  const map = without(from, drop)
  const changes = resizeAxis(specsOf(config, id, 'mlp'), 'mlpHidden', map, () => zero)
  const summary = `block ${id}: mlpHidden ${from} → ${map.source.length}, without ${listed(drop)}`
  return pruned(config, after, request, { summary, key, changes })
}

/** Without some query heads, and without the keys and values that no head reads any more. */
export function planPruneHead(config: GptConfig, request: PruneHead, key: Key): PlannedGrowth {
  const { block: id, drop } = request
  const { heads: from, kvHeads: groups } = blockOf('pruneHead', config, id)
  const after = withoutHeads(config, request)
  const map = without(from, drop)
  const unread = leftInGroups(from, groups, drop).flatMap((heads, group) => (heads === 0 ? [group] : []))
  const specs = specsOf(config, id, 'attention')
  const keysAndValues =
    unread.length === 0 ? [] : resizeAxis(specs, 'kvHead', without(groups, unread), () => zero)
  const changes = [...resizeAxis(specs, 'head', map, () => zero), ...keysAndValues]
  const summary = `block ${id}: heads ${from} → ${map.source.length}, without ${listed(drop)}`
  return pruned(config, after, request, { summary, key, changes })
}

/** Without a block: the residual stream passes its place as it is. */
export function planPruneLayer(config: GptConfig, request: PruneLayer, key: Key): PlannedGrowth {
  const after = withoutLayer(config, request)
  const block = blockOf('pruneLayer', config, request.block)
  const count = config.blocks.length
  const changes = blockSpecs(config, block, zero).map(({ path }) => ({ kind: 'remove', path }) as const)
  const summary = `layer ${count} → ${count - 1}: without block ${block.id}`
  return pruned(config, after, request, { summary, key, changes })
}

function pruned(
  config: GptConfig,
  after: GptConfig,
  request: PlannedGrowth['request'],
  plan: PlannedGrowth['plan'],
): PlannedGrowth {
  return { request, plan, config: after, parameters: parametersBetween(config, after), isExact: false }
}

/** Throws OptionError unless `drop` names some of `from` slices, each once, and leaves one. */
function checkDrop(axis: string, from: number, drop: readonly number[]): void {
  const areFew = drop.length > 0 && drop.length < from
  const areSlices = areFew && drop.every((at) => Number.isInteger(at) && at >= 0 && at < from)
  if (areSlices && new Set(drop).size === drop.length) return
  throw new OptionError(
    `grow ${axis}: got drop ${drop.length === 0 ? 'nothing' : listed(drop)}; expected some of 0 to ${from - 1}, each once, and at least one to stay.`,
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
