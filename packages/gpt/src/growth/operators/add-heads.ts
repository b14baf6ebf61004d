/** More attention heads in a block. */
import { type DimensionMap, extendAxis, OptionError } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import type { AddHeads } from '../requests/growth-request.ts'
import { blockOf, withBlock } from '../changes/block-edits.ts'
import { resizeAxis, small, specsOf, zero } from '../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../changes/planned-growth.ts'
import { checkGrows } from '../requests/check-values.ts'

/** The configuration with more heads in one block. */
function configAfter(config: GptConfig, { block: id, to }: AddHeads): GptConfig {
  const { heads: from, kvHeads: groups } = blockOf('addHeads', config, id)
  checkGrows('addHeads', from, to)
  const isShared = groups < from
  if (isShared && to % groups !== 0) {
    throw new OptionError(
      `grow addHeads: got to = ${to} for block ${id}, whose ${from} heads share ${groups} of keys and values; ` +
        `expected a multiple of ${groups}.`,
    )
  }
  return withBlock(config, id, { heads: to, kvHeads: isShared ? groups : to })
}

/**
 * New heads see and compute at random, and write nothing yet: their rows of the output projection are 0, and
 * learn at once; so are their parts of adapters. Where every query head has keys and values of its own, the
 * new ones have, too; where they are shared, each group gets as many new query heads.
 */
function plan(request: AddHeads, { config, after, key }: GrowthStep): PlannedGrowth {
  const { block: id, to } = request
  const { heads: from, kvHeads: groups } = blockOf('addHeads', config, id)
  const isShared = groups < from
  const specs = specsOf(config, id, 'attention')
  const map = isShared ? atTheEndOfEach(groups, from, to) : extendAxis(from, to)
  const fresh = ({ path }: { readonly path: string }): typeof zero =>
    /\.(bias|output\.weight)$|\.adapter\./.test(path) ? zero : small
  const changes = [
    ...resizeAxis(specs, 'head', map, fresh),
    ...(isShared ? [] : resizeAxis(specs, 'kvHead', map, fresh)),
  ]
  const summary = `block ${id}: heads ${from} → ${to}`
  return planned(request, { config, after, key, summary, changes })
}

/** Heads of one group stand side by side, so new ones come at the end of each group. */
function atTheEndOfEach(groups: number, from: number, to: number): DimensionMap {
  const [before, after] = [from / groups, to / groups]
  const source = Array.from({ length: to }, (_, i) => {
    const [group, place] = [Math.floor(i / after), i % after]
    return place < before ? group * before + place : -1
  })
  return { from, source }
}

/** The operator of `AddHeads`. */
export const addHeads: Operator<AddHeads> = { configAfter, plan }
