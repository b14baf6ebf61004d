/** More hidden units in an MLP. */
import { type DimensionMap, extendAxis, OptionError } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import type { WidenMlp } from '../requests/growth-request.ts'
import { blockOf, withBlock } from '../changes/block-edits.ts'
import { resizeAxis, small, specsOf, zero } from '../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../changes/planned-growth.ts'
import { checkChoice } from '../requests/check-values.ts'

/** The configuration with more hidden units in one block. */
function configAfter(config: GptConfig, { block: id, to, how = 'fresh' }: WidenMlp): GptConfig {
  const { mlpHidden: from } = blockOf('widenMlp', config, id)
  checkChoice('widenMlp', 'how', how, ['fresh', 'split'])
  const most = how === 'split' ? 2 * from : Infinity
  if (!Number.isSafeInteger(to) || to <= from || to > most) {
    throw new OptionError(
      `grow widenMlp: got to = ${to} for block ${id}; expected an integer above ${from}` +
        `${how === 'split' ? ` and at most ${most}: each unit splits in two` : ''}.`,
    )
  }
  return withBlock(config, id, { mlpHidden: to })
}

/**
 * Fresh units: incoming weights random, outgoing 0, so they contribute nothing yet and the outgoing weights
 * learn at once. Split units (Net2WiderNet, Chen et al. 2016, section 2.2): incoming copied, outgoing shared
 * out. Of adapters, B beside up is incoming and A beside down outgoing. All experts of a block are equally
 * wide and get as many.
 */
function plan(request: WidenMlp, { config, after, key }: GrowthStep): PlannedGrowth {
  const { block: id, to, how = 'fresh' } = request
  const { mlpHidden: from } = blockOf('widenMlp', config, id)
  const fresh = extendAxis(from, to)
  const [incoming, outgoing] = how === 'split' ? splitMaps(from, to) : [fresh, fresh]
  const changes = resizeAxis(
    specsOf(config, id, 'mlp'),
    'mlpHidden',
    ({ path }) => (/\.down\./.test(path) ? outgoing : incoming),
    ({ path }) => (/\.down\.|\.bias$|\.adapter\./.test(path) ? zero : small),
  )
  const summary = `block ${id}: mlpHidden ${from} → ${to}${how === 'split' ? ' (split)' : ''}`
  return planned(request, { config, after, key, summary, changes })
}

/**
 * The first `to − from` units are split in two. The outgoing shares 1/4 and 3/4 are unequal, so the halves
 * diverge, and the quarter, a power of two, makes the inverse exact. A half's incoming gradient is its share
 * of the whole's.
 */
function splitMaps(from: number, to: number): [DimensionMap, DimensionMap] {
  const source = Array.from({ length: to }, (_, i) => (i < from ? i : i - from))
  const share = source.map((_, i) => (i >= from ? 0.75 : i < to - from ? 0.25 : 1))
  return [
    { from, source, gradientFactor: share },
    { from, source, valueFactor: share },
  ]
}

/** The operator of `WidenMlp`. */
export const widenMlp: Operator<WidenMlp> = { configAfter, plan }
