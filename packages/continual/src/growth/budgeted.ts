/** Limits around any policy. */
import { planGrowth } from '@burgeon/gpt/growth'
import { OptionError } from '@burgeon/tensor'
import type { GrowthPolicy } from './growth-policy.ts'

/** What a policy may ask for in total. No limit where none is given. */
export interface GrowthLimits {
  /** Most learnt numbers the model may come to. */
  readonly parameters?: number
  /** Most growths asked for. */
  readonly growths?: number
  /** Fewest updates between one growth and the next, and before the first. */
  readonly steps?: number
}

interface State<S> {
  readonly inner: S
  readonly growths: number
}

/**
 * The same policy within limits. While a limit holds it back the policy is still asked, and its state goes on as if nothing had been
 * wished for: what it wants is said in the reason.
 *
 * @throws OptionError for a limit that is negative or not a number.
 * @example
 * ```ts
 * const policy = budgeted(growOnPlateau({ window: 100, patience: 200 }), { parameters: 1e6, growths: 8 })
 * ```
 */
export function budgeted<S>(policy: GrowthPolicy<S>, limits: GrowthLimits): GrowthPolicy<State<S>> {
  const { parameters: most = Infinity, growths = Infinity, steps = 0 } = limits
  if (!(most >= 0 && growths >= 0 && steps >= 0)) {
    throw new OptionError(
      `budgeted: got parameters ${most}, growths ${growths} and steps ${steps}; expected numbers ≥ 0.`,
    )
  }
  return {
    name: `${policy.name}, within limits`,
    initial: { inner: policy.initial, growths: 0 },
    decide(signals, budget, state) {
      const decision = policy.decide(
        signals,
        { ...budget, parameters: Math.min(budget.parameters, most) },
        state.inner,
      )
      const { request } = decision
      if (request === null) return { ...decision, state: { ...state, inner: decision.state } }
      const parameters = signals.parameters + planGrowth(signals.config, request, [0, 0]).parameters
      const limit =
        (state.growths >= growths && `${growths} growths are enough`) ||
        (signals.stepsSinceGrowth < steps && `the last growth is not ${steps} steps ago`) ||
        (parameters > most && `it would come to ${parameters} parameters, above ${most}`)
      if (limit) return { request: null, reason: `${limit} (${decision.reason})`, state }
      return { ...decision, state: { inner: decision.state, growths: state.growths + 1 } }
    },
  }
}
