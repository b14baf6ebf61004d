/** Grows when the loss has stopped falling: when its slope is no longer distinguishable from noise. */
import { OptionError } from '@burgeon/tensor'
import type { GptConfig } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { type GrowthPolicy, lossWindow } from './growth-policy.ts'
import { excessOf } from './within-budget.ts'

/** What counts as a plateau, and what is asked for then. */
export interface PlateauOptions {
  /** Steps over which the slope is measured, 8 to 400. */
  readonly window: number
  /** Steps left alone after a growth or a drift alarm, so that the slope is measured on settled ground; ≥ `window` makes sense. */
  readonly patience: number
  /** A fall of the loss counts while it exceeds this many standard errors; 2 unless given. */
  readonly significance?: number
  /** Share by which an MLP is widened, > 0; 0.5 unless given. */
  readonly widen?: number
  /** After so many widenings comes a layer; 0 never adds layers. As many as there are blocks unless given. */
  readonly widenPerLayer?: number
}

interface State {
  /** Widenings asked for since the last layer, or since the beginning. */
  readonly widenings: number
}

/**
 * Fits a line to the latest losses and grows when its slope is not significantly negative (a one-sided t-test on the
 * ordinary least-squares slope). Blocks are widened in turn, the narrowest first, and now and then a layer is added on top.
 */
export function growOnPlateau(options: PlateauOptions): GrowthPolicy<State> {
  const { window, patience, significance = 2, widen = 0.5, widenPerLayer } = options
  if (!(Number.isInteger(window) && window >= 8 && window <= lossWindow)) {
    throw new OptionError(`growOnPlateau: got window ${window}; expected an integer from 8 to ${lossWindow}.`)
  }
  if (!(patience >= 0 && significance >= 0 && widen > 0)) {
    throw new OptionError(
      `growOnPlateau: got patience ${patience}, significance ${significance}, widen ${widen}; ` +
        'expected patience ≥ 0, significance ≥ 0, widen > 0.',
    )
  }
  return {
    name: `on plateau of ${window} steps`,
    initial: { widenings: 0 },
    decide(signals, budget, state) {
      const stay = (reason: string): { request: null; reason: string; state: State } => ({
        request: null,
        reason,
        state,
      })
      if (signals.stepsSinceGrowth < patience) return stay('still settling after growth')
      if ((signals.stepsSinceDrift ?? Infinity) < patience) return stay('still settling after drift')
      if (signals.losses.length < window) return stay('too few losses yet')
      const { slope, standardError } = leastSquares(signals.losses.slice(-window))
      if (slope < -significance * standardError) return stay('the loss is still falling')
      const request = nextRequest(signals.config, state.widenings, widen, widenPerLayer)
      if (excessOf(signals, request, budget) !== null) return stay('the budget is spent')
      const reason = `loss slope ${slope.toExponential(1)} ± ${standardError.toExponential(1)} per step over ${window} steps`
      return { request, reason, state: { widenings: request.axis === 'layer' ? 0 : state.widenings + 1 } }
    },
  }
}

function nextRequest(
  config: GptConfig,
  widenings: number,
  widen: number,
  widenPerLayer?: number,
): GrowthRequest {
  const enough = widenPerLayer ?? config.blocks.length
  if (enough > 0 && widenings >= enough) return { axis: 'layer', at: config.blocks.length }
  const narrowest = config.blocks.reduce((a, b) => (b.mlpHidden < a.mlpHidden ? b : a))
  const to = narrowest.mlpHidden + Math.max(1, Math.round(narrowest.mlpHidden * widen))
  return { axis: 'mlpHidden', block: narrowest.id, to }
}

/** Slope per step of the line through y₀, y₁, …, and its standard error. */
function leastSquares(y: readonly number[]): { slope: number; standardError: number } {
  const n = y.length
  const meanX = (n - 1) / 2
  const meanY = y.reduce((a, b) => a + b, 0) / n
  const sxx = (n * (n * n - 1)) / 12
  const slope = y.reduce((total, value, x) => total + (x - meanX) * (value - meanY), 0) / sxx
  const residual = y.reduce((total, value, x) => total + (value - meanY - slope * (x - meanX)) ** 2, 0)
  return { slope, standardError: Math.sqrt(residual / (n - 2) / sxx) }
}
