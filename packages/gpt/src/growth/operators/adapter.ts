/** Low-rank adapters beside the linear maps of a block. */
import { extended, type Key, OptionError } from '@burgeon/tensor'
import type { AdapterConfig, GptConfig } from '../../config/gpt-config.ts'
import type { GrowAdapter } from '../requests/growth-request.ts'
import {
  additions,
  blockOf,
  checkGrows,
  parametersBetween,
  type PlannedGrowth,
  resizeAxis,
  small,
  specsOf,
  withBlock,
  zero,
} from '../changes/planned-growth.ts'

/** The configuration with an adapter, or with a larger one. */
export function withAdapter(config: GptConfig, request: GrowAdapter): GptConfig {
  const { block: id, to } = request
  const { adapter: before } = blockOf('adapter', config, id)
  checkGrows('adapter', before?.rank ?? 0, to)
  if (before && request.alpha !== undefined) {
    throw new OptionError(
      `grow adapter: got alpha = ${request.alpha} for the adapter that block ${id} has; expected none. Its scale stays ${before.scale}.`,
    )
  }
  const adapter: AdapterConfig = { rank: to, scale: before?.scale ?? newScale(request) }
  return withBlock(config, id, { adapter })
}

/**
 * A is random and B is 0 (Hu et al. 2022, section 4.1), in a new adapter and in new rank: A·B stays what it was. B learns at once, A as soon
 * as B has moved.
 */
export function planAdapter(config: GptConfig, request: GrowAdapter, key: Key): PlannedGrowth {
  const { block: id, to } = request
  const { adapter: before } = blockOf('adapter', config, id)
  const from = before?.rank ?? 0
  const after = withAdapter(config, request)
  const specs = [...specsOf(config, id, 'attention'), ...specsOf(config, id, 'mlp')]
  const changes = before
    ? resizeAxis(specs, 'rank', extended(from, to), ({ path }) => (path.endsWith('.a.weight') ? small : zero))
    : additions(config, after)
  const summary = before ? `block ${id}: adapter rank ${from} → ${to}` : `block ${id}: adapter of rank ${to}`
  return {
    request,
    plan: { summary, key, changes },
    config: after,
    parameters: parametersBetween(config, after),
  }
}

function newScale({ to, alpha = to }: GrowAdapter): number {
  if (Number.isFinite(alpha) && alpha !== 0) return alpha / to
  throw new OptionError(`grow adapter: got alpha = ${alpha}; expected a finite number other than 0.`)
}
