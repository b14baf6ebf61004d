/** More hidden units in an MLP. */
import {
  type DimensionMap,
  extendAxis,
  type InitialValues,
  OptionError,
  type ParameterChange,
  type Slices,
} from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import type { ParameterSpec } from '../../config/parameters.ts'
import type { WidenMlp } from '../requests/growth-request.ts'
import { blockOf, withBlock } from '../changes/block-edits.ts'
import { resizeAxis, small, specsOf, zero } from '../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../changes/planned-growth.ts'
import { checkChoice } from '../requests/check-values.ts'

/** The configuration with more hidden units in one block. */
function configAfter(config: GptConfig, request: WidenMlp): GptConfig {
  const { block: id, to, how = 'fresh' } = request
  const { mlpHidden: from } = blockOf('widenMlp', config, id)
  checkChoice('widenMlp', 'how', how, ['fresh', 'split', 'splitAtRandom', 'gradMax'])
  const isSplit = how === 'split' || how === 'splitAtRandom'
  const most = isSplit ? 2 * from : Infinity
  if (!Number.isSafeInteger(to) || to <= from || to > most) {
    throw new OptionError(
      `grow widenMlp: got to = ${to} for block ${id}; expected an integer above ${from}` +
        `${isSplit ? ` and at most ${most}: each unit splits in two` : ''}.`,
    )
  }
  checkMeasured(config, request, to - from)
  return withBlock(config, id, { mlpHidden: to })
}

/** Throws OptionError for numbers that were measured of other units, or for another kind of growth. */
function checkMeasured(config: GptConfig, request: WidenMlp, units: number): void {
  const { block: id, how } = request
  const { expertShares = [1] } = blockOf('widenMlp', config, id)
  if (how === 'gradMax' && expertShares.length > 1) {
    throw new OptionError(
      `grow widenMlp: got how = gradMax for block ${id} of ${expertShares.length} experts; expected a block with one MLP.`,
    )
  }
  for (const name of ['outgoing', 'gate'] as const) {
    const own = request[name]
    if (own === undefined) continue
    const fits = how === 'gradMax' && (name === 'outgoing' || config.activation === 'swiglu')
    if (fits && own.length === units * config.embed && own.every(Number.isFinite)) continue
    throw new OptionError(
      `grow widenMlp: got ${own.length} numbers as ${name}; expected ${
        fits ? `${units * config.embed} finite ones, ${config.embed} for each new unit` : 'none'
      }.`,
    )
  }
}

/**
 * Fresh units: incoming weights random, outgoing 0, so they contribute nothing yet and the outgoing weights
 * learn at once. Split units (Net2WiderNet, Chen et al. 2016, section 2.2): incoming copied, outgoing shared
 * out, each as a whole or number by number. GradMax (Evci et al. 2022, section 3.2): incoming 0, where the
 * activation is 0 and rises, and outgoing as measured, or random; with `swiglu` the gate is open as chance
 * has it, and what it gates is 0. Of adapters, B beside up is incoming and A beside down outgoing. All
 * experts of a block are equally wide and get as many.
 */
function plan(request: WidenMlp, { config, after, key }: GrowthStep): PlannedGrowth {
  const { block: id, to, how = 'fresh' } = request
  const { mlpHidden: from } = blockOf('widenMlp', config, id)
  const fresh = extendAxis(from, to)
  const specs = specsOf(config, id, 'mlp')
  const isSplit = how === 'split' || how === 'splitAtRandom'
  const [incoming, outgoing] = isSplit ? splitMaps(from, to, how) : [fresh, fresh]
  const isOutgoing = ({ path }: { readonly path: string }): boolean => /\.down\./.test(path)
  const changes = resizeAxis(
    specs,
    'mlpHidden',
    (spec) => (isOutgoing(spec) ? outgoing : incoming),
    how === 'gradMax' ? (spec) => gradMaxNumbers(request, spec) : freshNumbers,
  )
  const pairs = Array.from({ length: to - from }, (_, i) => [i, from + i] as const)
  const swapping = (change: ParameterChange): ParameterChange =>
    change.kind === 'resize' && isOutgoing(change)
      ? { ...change, swaps: { axis: change.dimensions.indexOf(outgoing), pairs } }
      : change
  const said = { fresh: '', split: ' (split)', splitAtRandom: ' (split at random)', gradMax: ' (GradMax)' }[
    how
  ]
  const summary = `block ${id}: mlpHidden ${from} → ${to}${said}`
  return planned(request, {
    ...{ config, after, key, summary },
    changes: how === 'splitAtRandom' ? changes.map(swapping) : changes,
  })
}

const freshNumbers = ({ path }: ParameterSpec): InitialValues =>
  /\.down\.|\.bias$|\.adapter\./.test(path) ? zero : small

function gradMaxNumbers({ outgoing, gate }: WidenMlp, { path }: ParameterSpec): InitialValues | Slices {
  const given = path.endsWith('.down.weight') ? outgoing : path.endsWith('.gate.weight') ? gate : null
  if (given === null) return zero
  return given === undefined ? small : { kind: 'slices', values: Float64Array.from(given) }
}

/**
 * The first `to − from` units are split in two. The outgoing shares 1/4 and 3/4 are unequal, so the halves
 * diverge, and the quarter, a power of two, makes the inverse exact.
 *
 * Split as a whole, a half's incoming gradient is its share of the whole's, whatever is learnt: what stood
 * beside the weights is carried exactly, and growing commutes with learning. But an optimizer that takes the
 * size out of a gradient, as Adam does, gives both halves the same step, and they part slowly. Split at
 * random, each outgoing weight w is w/2 ± w/4 with a sign of its own: the gradients of the halves point in
 * different ways from the first step on. Together they are what the one was, and either half of it is taken
 * for a half.
 */
function splitMaps(
  from: number,
  to: number,
  how: 'split' | 'splitAtRandom',
): [incoming: DimensionMap, outgoing: DimensionMap] {
  const source = Array.from({ length: to }, (_, i) => (i < from ? i : i - from))
  const share = source.map((_, i) => (i >= from ? 0.75 : i < to - from ? 0.25 : 1))
  const gradientFactor = how === 'split' ? share : share.map((own) => (own === 1 ? 1 : 0.5))
  return [
    { from, source, gradientFactor },
    { from, source, valueFactor: share },
  ]
}

/** The operator of `WidenMlp`. */
export const widenMlp: Operator<WidenMlp> = { configAfter, plan }
