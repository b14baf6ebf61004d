/** Grows when the compute that goes into a step would buy more in a larger model. */
import { flopsPerToken, type GptConfig } from '@burgeon/gpt'
import { type GrowthRequest, priceOf } from '@burgeon/gpt/growth'
import { OptionError } from '@burgeon/tensor'
import { type GrowthPolicy, type GrowthSignals, lossWindow } from './growth-policy.ts'
import { leastSquares } from './least-squares.ts'
import { excessOf } from './within-budget.ts'

/** How the rate of learning is measured, and what is asked for. */
export interface ComputeOptions {
  /** Steps over which it is measured, from 8 to 400; nothing is measured in so many steps at the beginning and after a growth. */
  readonly window: number
  /** The rates must differ by so many standard errors, ≥ 0; 2 unless given. */
  readonly significance?: number
  /** What to ask for; a layer on top unless given. */
  readonly request?: (config: GptConfig) => GrowthRequest
}

/** Plain JSON. */
interface State {
  /** Steps since the beginning or the last drift. */
  readonly steps: number
  /** Operations of training per token, summed over these steps: the compute but for the number of tokens in a step. */
  readonly compute: number
  /** That of the latest steps, oldest first, at most `window` of them. */
  readonly course: readonly number[]
  /** The largest exponent so far that was surely reached; null before the first. */
  readonly best: number | null
}

const beginning: State = { steps: 0, compute: 0, course: [], best: null }

const layerOnTop = (config: GptConfig): GrowthRequest => ({ axis: 'layer', at: config.blocks.length })

/**
 * Staged training (Shen et al. 2022, section 3.3): grow when the loss falls more slowly for the compute spent than that of the larger model would
 * at the same loss. What the larger one would do is not known, so it is estimated by this run alone:
 *
 * - With C the compute so far, losses follow L ∝ C^−α as long as a model has room (Kaplan et al. 2020, eq. 1.3); α, the slope of
 *   ln L over ln C, is fitted over the window. For the present model then −dL/dC = α·L/C.
 * - A model that has room would go on at the best α of the run, α₀. The larger one needs κ times the operations for a token, so at
 *   the same loss and after as many tokens its curve stands at κ·C, and −dL/dC = α₀·L/(κ·C).
 * - So it grows when α < α₀/κ by `significance` standard errors: the dearer the growth, the later.
 *
 * The first `window` steps do not count: there the loss falls steeply while a model of any size learns how frequent tokens are. Steps are taken
 * to have equally many tokens. After a drift alarm all begins anew, for the losses are of another stream.
 *
 * @throws OptionError for options out of range.
 */
export function growByCompute(options: ComputeOptions): GrowthPolicy<State> {
  const { window, significance = 2, request: requestFor = layerOnTop } = options
  if (!(Number.isInteger(window) && window >= 8 && window <= lossWindow && significance >= 0)) {
    throw new OptionError(
      `growByCompute: got window ${window} and significance ${significance}; ` +
        `expected an integer from 8 to ${lossWindow} and a number ≥ 0.`,
    )
  }
  return {
    name: `by compute, over ${window} steps`,
    initial: beginning,
    decide(signals, budget, before) {
      const state = lived(signals, before, window)
      const stay = (reason: string, best = state.best) => ({
        request: null,
        reason,
        state: { ...state, best },
      })
      if (signals.stepsSinceGrowth < window) return stay('still settling after growth')
      const losses = signals.losses.slice(-window)
      if (state.steps < 2 * window || losses.length < window) return stay('too few losses yet')
      if (!losses.every((loss) => loss > 0)) return stay('a loss of 0 has no exponent')
      const { slope, standardError } = leastSquares(state.course.map(Math.log), losses.map(Math.log))
      const [alpha, error] = [-slope, significance * standardError]
      const best = Math.max(state.best ?? 0, alpha - error)
      const request = requestFor(signals.config)
      const { before: small, after: large } = priceOf(signals.config, request)
      const dearer = large.flopsPerToken.training / small.flopsPerToken.training
      const reason =
        `the loss falls with compute to the power of ${alpha.toFixed(3)}, at best ${best.toFixed(3)}; ` +
        `a step of the larger model takes ${dearer.toFixed(2)} times the work`
      if (!(alpha + error < best / dearer)) return stay(reason, best)
      if (excessOf(signals, request, budget) !== null) return stay(`the budget is spent (${reason})`, best)
      return { request, reason, state: { ...state, best } }
    },
  }
}

/** The state with the latest step in it. */
function lived({ config, stepsSinceDrift }: GrowthSignals, before: State, window: number): State {
  const { steps, compute, course, best } = stepsSinceDrift === 0 ? beginning : before
  const now = compute + flopsPerToken(config).training
  return { steps: steps + 1, compute: now, course: [...course, now].slice(-window), best }
}
