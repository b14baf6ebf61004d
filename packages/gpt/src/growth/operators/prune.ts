/** Smaller by the same algebra: units, heads and blocks are dropped, and can be brought back with all that belongs to them. */
import { type DimensionMap, type Key, OptionError } from '@burgeon/tensor'
import type { GptConfig } from '../../gpt-config.ts'
import { blockSpecs } from '../../parameters.ts'
import type { PruneHead, PruneHidden, PruneLayer } from '../growth-request.ts'
import {
  blockOf,
  parametersBetween,
  type PlannedGrowth,
  resizeAxis,
  specsOf,
  withBlock,
  zero,
} from '../planned-growth.ts'

/** Without some hidden units: their columns of what reads and their rows of what writes. */
export function planPruneHidden(config: GptConfig, request: PruneHidden, key: Key): PlannedGrowth {
  const { block: id, drop } = request
  const { mlpHidden: from } = blockOf('pruneHidden', config, id)
  const map = without('pruneHidden', from, drop)
  const to = map.source.length
  const after = withBlock(config, id, { mlpHidden: to })
  const changes = resizeAxis(specsOf(config, id, 'mlp'), 'mlpHidden', map, () => zero)
  const summary = `block ${id}: mlpHidden ${from} → ${to}, without ${listed(drop)}`
  return pruned(config, after, request, { summary, key, changes })
}

/** Without some query heads, and without the keys and values that no head reads any more. */
export function planPruneHead(config: GptConfig, request: PruneHead, key: Key): PlannedGrowth {
  const { block: id, drop } = request
  const { heads: from, kvHeads: groups } = blockOf('pruneHead', config, id)
  const map = without('pruneHead', from, drop)
  const left = Array.from({ length: groups }, () => 0)
  for (const head of map.source) left[Math.floor(head / (from / groups))]++
  const sizes = new Set(left.filter((heads) => heads > 0))
  if (sizes.size > 1) {
    throw new OptionError(
      `grow pruneHead: got drop ${drop.join(', ')} for block ${id}, which leaves ${left.join(', ')} of the heads that share keys and values; ` +
        'expected whole groups, or as many of each.',
    )
  }
  const unread = left.flatMap((heads, group) => (heads === 0 ? [group] : []))
  const specs = specsOf(config, id, 'attention')
  const keysAndValues =
    unread.length === 0 ? [] : resizeAxis(specs, 'kvHead', without('pruneHead', groups, unread), () => zero)
  const to = map.source.length
  const after = withBlock(config, id, { heads: to, kvHeads: groups - unread.length })
  const changes = [...resizeAxis(specs, 'head', map, () => zero), ...keysAndValues]
  const summary = `block ${id}: heads ${from} → ${to}, without ${listed(drop)}`
  return pruned(config, after, request, { summary, key, changes })
}

/** Without a block: the residual stream passes its place as it is. */
export function planPruneLayer(config: GptConfig, request: PruneLayer, key: Key): PlannedGrowth {
  const block = blockOf('pruneLayer', config, request.block)
  const count = config.blocks.length
  if (count === 1)
    throw new OptionError(
      `grow pruneLayer: got block ${block.id}, the last one; expected two blocks or more.`,
    )
  const blocks = config.blocks.filter(({ id }) => id !== block.id)
  const changes = blockSpecs(config, block, zero).map(({ path }) => ({ kind: 'remove', path }) as const)
  const summary = `layer ${count} → ${count - 1}: without block ${block.id}`
  return pruned(config, { ...config, blocks }, request, { summary, key, changes })
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
function without(axis: string, from: number, drop: readonly number[]): DimensionMap {
  const dropped = new Set(drop)
  const areSlices = drop.every((at) => Number.isInteger(at) && at >= 0 && at < from)
  if (drop.length === 0 || !areSlices || dropped.size !== drop.length || dropped.size >= from) {
    throw new OptionError(
      `grow ${axis}: got drop ${drop.join(', ') || 'nothing'}; expected some of 0 to ${from - 1}, each once, and at least one to stay.`,
    )
  }
  return { from, source: Array.from({ length: from }, (_, i) => i).filter((i) => !dropped.has(i)) }
}

function listed(drop: readonly number[]): string {
  return drop.length <= 8 ? drop.join(', ') : `${drop.length} of them`
}
