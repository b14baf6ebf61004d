/** Fewer heads per head of keys and values. */
import { OptionError } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import type { AddKvHeads } from '../requests/growth-request.ts'
import { blockOf, withBlock } from '../changes/block-edits.ts'
import { resizeAxis, specsOf, zero } from '../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../changes/planned-growth.ts'
import { checkGrows } from '../requests/check-values.ts'

/** The configuration in which fewer query heads share keys and values. */
function configAfter(config: GptConfig, { block: id, to }: AddKvHeads): GptConfig {
  const { heads, kvHeads: from } = blockOf('addKvHeads', config, id)
  checkGrows('addKvHeads', from, to)
  if (to % from !== 0 || heads % to !== 0) {
    throw new OptionError(
      `grow addKvHeads: got to = ${to} for block ${id} with ${from} of ${heads} heads; ` +
        `expected a multiple of ${from} that divides ${heads}.`,
    )
  }
  return withBlock(config, id, { kvHeads: to })
}

/**
 * Each shared head of keys and values becomes m copies, and each copy serves its part of the query heads,
 * which see what they saw. The copies' gradients add up to what the original's was: moments are shared out in
 * powers of two, which the way back undoes exactly.
 */
function plan(request: AddKvHeads, { config, after, key }: GrowthStep): PlannedGrowth {
  const { block: id, to } = request
  const { kvHeads: from } = blockOf('addKvHeads', config, id)
  const copies = to / from
  const source = Array.from({ length: to }, (_, i) => Math.floor(i / copies))
  const gradientFactor = source.map((_, i) => 2 ** -Math.min((i % copies) + 1, copies - 1))
  const map = { from, source, gradientFactor }
  const changes = resizeAxis(specsOf(config, id, 'attention'), 'kvHead', map, () => zero)
  const summary = `block ${id}: heads of keys and values ${from} → ${to}`
  return planned(request, { config, after, key, summary, changes })
}

/** The operator of `AddKvHeads`. */
export const addKvHeads: Operator<AddKvHeads> = { configAfter, plan }
