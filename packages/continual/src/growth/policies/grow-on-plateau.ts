/** Grows when the loss has stopped falling: when its slope is no longer distinguishable from noise. */
import { checkOptions, checks, fields } from '@burgeon/tensor'
import type { BlockConfig, GptConfig } from '@burgeon/gpt'
import { count } from '../../saved-state.ts'
import { type GrowthPolicy, type GrowthSignals, lossWindow } from '../growth-policy.ts'
import { leastSquares } from '../measure/least-squares.ts'
import { largestBy, measuredBlocks, widened } from '../requests/widened.ts'
import { type AnyConfig, type AnyRequest, isNetwork, type RequestTo } from '../price-in.ts'
import { widerHidden } from '../../model/hidden-request.ts'
import { layerOnTop } from '../requests/usual-request.ts'
import { excessOf } from '../within-budget.ts'

/** Definition of a plateau, and the request for it. */
export interface PlateauOptions<C extends AnyConfig = GptConfig> {
  /** Steps over which the slope is measured, 8 to 400. */
  readonly window: number
  /**
   * Steps left alone after a growth or a drift alarm, so that the slope is measured on settled ground; ≥
   * `window` makes sense.
   */
  readonly patience: number
  /** A fall of the loss counts while it exceeds this many standard errors; 2 unless given. */
  readonly significance?: number
  /**
   * Share by which an MLP is widened, or the narrowest hidden layer of a dense network, > 0; 0.5 unless
   * given.
   */
  readonly widen?: number
  /** After so many widenings comes a layer; 0 never adds layers. As many as there are blocks unless given. */
  readonly widenPerLayer?: number
  /** Makes the request instead of the above, such as one for copies of trained blocks. */
  readonly request?: (config: C) => RequestTo<C>
  /**
   * Which MLP is widened: the `narrowest`, or the one where a new neuron has the largest `gradient`, measured
   * then, which chooses better where nothing else grows (`npm run bench -- where`); `narrowest` unless given.
   */
  readonly where?: 'narrowest' | 'gradient'
}

interface State {
  /** Widenings asked for since the last layer, or since the beginning. */
  readonly widenings: number
}

/**
 * Fits a line to the latest losses and grows when its slope is not significantly negative (a one-sided t-test
 * on the ordinary least-squares slope). Blocks are widened, and now and then a layer is added on top; of a
 * dense network, the narrowest hidden layer is widened.
 */
export function growOnPlateau<C extends AnyConfig = GptConfig>(
  options: PlateauOptions<C>,
): GrowthPolicy<State, C> {
  checkOptions('growOnPlateau', options, {
    window: checks.required(checks.integer({ from: 8, to: lossWindow })),
    patience: checks.required(checks.number({ from: 0, infinite: true })),
    significance: checks.number({ from: 0 }),
    widen: checks.number({ above: 0 }),
    widenPerLayer: checks.integer({ from: 0, infinite: true }),
    request: checks.callback('a function of a configuration'),
    where: checks.oneOf('narrowest', 'gradient'),
  })
  const { window, patience, significance = 2, widen = 0.5, widenPerLayer, where = 'narrowest' } = options
  /** Returns whether the loss has stopped falling, and why it counts as that or not. */
  const judged = ({ stepsSinceGrowth, stepsSinceDrift, losses }: GrowthSignals<C>): Verdict => {
    const stay = (reason: string): Verdict => ({ isPlateau: false, reason })
    if (stepsSinceGrowth < patience) return stay('still settling after growth')
    if ((stepsSinceDrift ?? Infinity) < patience) return stay('still settling after drift')
    if (losses.length < window) return stay('too few losses yet')
    const { slope, standardError } = leastSquares(
      Array.from({ length: window }, (_, i) => i),
      losses.slice(-window),
    )
    if (slope < -significance * standardError) return stay('the loss is still falling')
    const reason = `loss slope ${slope.toExponential(1)} ± ${standardError.toExponential(1)} per step over ${window} steps`
    return { isPlateau: true, reason }
  }
  /** A dense network gets no layers. */
  const isTimeForLayer = (config: AnyConfig, { widenings }: State): boolean => {
    if (isNetwork(config)) return false
    const enough = widenPerLayer ?? config.blocks.length
    return enough > 0 && widenings >= enough
  }
  /** The request unless another is given, and why it is for that block. */
  const usual = (signals: GrowthSignals<AnyConfig>, state: State): { request: AnyRequest; why: string } => {
    const { config } = signals
    if (isNetwork(config)) return { request: widerHidden({ share: widen })(config), why: '' }
    if (isTimeForLayer(config, state)) return { request: layerOnTop(config), why: '' }
    const { block, why } = placeOf({ ...signals, config })
    return { request: widened(block, widen), why }
  }
  return {
    name: `on plateau of ${window} steps`,
    initial: { widenings: 0 },
    stateCheck: fields<State>('a count', { widenings: count }),
    // A layer goes on top wherever it is needed.
    measures: (signals, _, state) =>
      where === 'gradient' && !isTimeForLayer(signals.config, state) && judged(signals).isPlateau,
    decide(signals, budget, state) {
      const { isPlateau, reason } = judged(signals)
      if (!isPlateau) return { request: null, reason, state }
      const own = options.request && { request: options.request(signals.config), why: '' }
      const { request, why } = own ?? usual(signals, state)
      if (excessOf(signals, request, budget) !== null)
        return { request: null, reason: 'the budget is spent', state }
      const widenings = request.kind === 'widenMlp' ? state.widenings + 1 : 0
      return { request: request as RequestTo<C>, reason: reason + why, state: { widenings } }
    },
  }
}

interface Verdict {
  readonly isPlateau: boolean
  readonly reason: string
}

/** The block where one more neuron promises most, where that was measured; else the narrowest. */
function placeOf({ config, measured }: GrowthSignals): { block: BlockConfig; why: string } {
  const best = measured && largestBy(measuredBlocks(config, measured), ({ gradMax }) => gradMax)
  if (best !== undefined) {
    const why = `; a new neuron promises most in block ${best.block.id} (gradient norm ${best.signals.gradMax.toExponential(1)})`
    return { block: best.block, why }
  }
  return { block: config.blocks.reduce((a, b) => (b.mlpHidden < a.mlpHidden ? b : a)), why: '' }
}
