/** Fewer heads per head of keys and values. */
import { type Key, OptionError } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import type { GrowKvHead } from '../requests/growth-request.ts'
import {
  blockOf,
  checkGrows,
  parametersBetween,
  type PlannedGrowth,
  resizeAxis,
  specsOf,
  withBlock,
  zero,
} from '../changes/planned-growth.ts'

/** The configuration in which fewer query heads share keys and values. */
export function withKvHead(config: GptConfig, { block: id, to }: GrowKvHead): GptConfig {
  const { heads, kvHeads: from } = blockOf('kvHead', config, id)
  checkGrows('kvHead', from, to)
  if (to % from !== 0 || heads % to !== 0) {
    throw new OptionError(
      `grow kvHead: got to = ${to} for block ${id} with ${from} of ${heads} heads; ` +
        `expected a multiple of ${from} that divides ${heads}.`,
    )
  }
  return withBlock(config, id, { kvHeads: to })
}

/**
 * Each shared head of keys and values becomes m copies, and each copy serves its part of the query heads, which see what they saw. The
 * copies' gradients add up to what the original's was: moments are shared out in powers of two, which the way back undoes exactly.
 */
export function planKvHead(config: GptConfig, request: GrowKvHead, key: Key): PlannedGrowth {
  const { block: id, to } = request
  const { kvHeads: from } = blockOf('kvHead', config, id)
  const after = withKvHead(config, request)
  const copies = to / from
  const source = Array.from({ length: to }, (_, i) => Math.floor(i / copies))
  const gradientFactor = source.map((_, i) => 2 ** -Math.min((i % copies) + 1, copies - 1))
  const map = { from, source, gradientFactor }
  const changes = resizeAxis(specsOf(config, id, 'attention'), 'kvHead', map, () => zero)
  const summary = `block ${id}: heads of keys and values ${from} → ${to}`
  return {
    request,
    plan: { summary, key, changes },
    config: after,
    parameters: parametersBetween(config, after),
  }
}
