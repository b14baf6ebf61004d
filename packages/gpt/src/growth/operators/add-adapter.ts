/** Low-rank adapters beside the linear maps of a block. */
import { extendAxis, OptionError } from '@burgeon/tensor'
import type { AdapterConfig, GptConfig } from '../../config/gpt-config.ts'
import type { AddAdapter } from '../requests/growth-request.ts'
import { blockOf, withBlock } from '../changes/block-edits.ts'
import { additions, resizeAxis, small, specsOf, zero } from '../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../changes/planned-growth.ts'
import { checkGrows } from '../requests/check-values.ts'

/** The configuration with an adapter, or with a larger one. */
function configAfter(config: GptConfig, request: AddAdapter): GptConfig {
  const { block: id, to } = request
  const { adapter: before } = blockOf('addAdapter', config, id)
  checkGrows('addAdapter', before?.rank ?? 0, to)
  if (before && request.alpha !== undefined) {
    throw new OptionError(
      `grow addAdapter: got alpha = ${request.alpha} for the adapter that block ${id} has; expected none. Its scale stays ${before.scale}.`,
    )
  }
  const adapter: AdapterConfig = { rank: to, scale: before?.scale ?? newScale(request) }
  return withBlock(config, id, { adapter })
}

/**
 * A is random and B is 0 (Hu et al. 2022, section 4.1), in a new adapter and in new rank: A·B stays what it
 * was. B learns at once, A as soon as B has moved.
 */
function plan(request: AddAdapter, { config, after, key }: GrowthStep): PlannedGrowth {
  const { block: id, to } = request
  const { adapter: before } = blockOf('addAdapter', config, id)
  const from = before?.rank ?? 0
  const specs = [...specsOf(config, id, 'attention'), ...specsOf(config, id, 'mlp')]
  const changes = before
    ? resizeAxis(specs, 'rank', extendAxis(from, to), ({ path }) =>
        path.endsWith('.a.weight') ? small : zero,
      )
    : additions(config, after)
  const summary = before ? `block ${id}: adapter rank ${from} → ${to}` : `block ${id}: adapter of rank ${to}`
  return planned(request, { config, after, key, summary, changes })
}

function newScale({ to, alpha = to }: AddAdapter): number {
  if (Number.isFinite(alpha) && alpha !== 0) return alpha / to
  throw new OptionError(`grow addAdapter: got alpha = ${alpha}; expected a finite number other than 0.`)
}

/** The operator of `AddAdapter`. */
export const addAdapter: Operator<AddAdapter> = { configAfter, plan }
