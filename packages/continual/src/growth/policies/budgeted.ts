/** Limits around any policy. */
import { type Check, checkArgument, checkOptions, checks, fields } from '@burgeon/tensor'
import { requireUntried } from '../growth-trial.ts'
import { count } from '../../saved-state.ts'
import {
  aGrowthPolicy,
  budgetChecks,
  type GrowthBudget,
  type GrowthPolicy,
  type GrowthSignals,
} from '../growth-policy.ts'
import type { GptConfig } from '@burgeon/gpt'
import type { AnyConfig } from '../price-in.ts'
import { excessOf } from '../within-budget.ts'

/** Limits of all that a policy asks for: those of a budget and more. No limit where none is given. */
export interface GrowthLimits extends Partial<GrowthBudget> {
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
 * The same policy within limits. While a limit holds it back the policy is still asked, and its state goes on
 * as if nothing had been asked for: what it wants is said in the reason.
 *
 * @throws OptionError for a limit that is negative or not a number, or a policy by trial.
 * @example
 * ```ts
 * const policy = budgeted(growOnPlateau({ window: 100, patience: 200 }), { parameters: 1e6, growths: 8 })
 * ```
 */
export function budgeted<S, C extends AnyConfig = GptConfig>(
  policy: GrowthPolicy<S, C>,
  limits: GrowthLimits,
): GrowthPolicy<State<S>, C> {
  checkArgument('budgeted', 'policy', policy, aGrowthPolicy)
  requireUntried('budgeted', policy)
  checkOptions('budgeted', limits, {
    ...budgetChecks,
    parameters: checks.number({ from: 0, infinite: true }),
    growths: checks.number({ from: 0, infinite: true }),
    steps: checks.number({ from: 0, infinite: true }),
  })
  const { parameters = Infinity, flopsPerToken = Infinity, bytes = Infinity } = limits
  const { growths = Infinity, steps = 0 } = limits
  const own: GrowthBudget = { parameters, flopsPerToken, bytes }
  const both = (budget: GrowthBudget): GrowthBudget => ({
    ...budget,
    parameters: Math.min(budget.parameters, parameters),
    flopsPerToken: Math.min(budget.flopsPerToken ?? Infinity, flopsPerToken),
    bytes: Math.min(budget.bytes ?? Infinity, bytes),
  })
  const tooSoon = ({ stepsSinceGrowth }: GrowthSignals<C>, { growths: had }: State<S>): string | false =>
    (had >= growths && `${growths} growths are enough`) ||
    (stepsSinceGrowth < steps && `the last growth is not ${steps} steps ago`)
  return {
    name: `${policy.name}, within limits`,
    ...(policy.waitsForDrift && { waitsForDrift: true }),
    ...(policy.waitsForSaturation && { waitsForSaturation: true }),
    initial: { inner: policy.initial, growths: 0 },
    stateCheck: fields<State<S>>('a count and a state', {
      inner: policy.stateCheck ?? (checks.anything as Check<S>),
      growths: count,
    }),
    connect: ({ get, set }) =>
      policy.connect?.({ get: () => get().inner, set: (inner) => set({ ...get(), inner }) }),
    // Nothing is measured for a request that would be refused.
    measures: (signals, budget, state) =>
      !tooSoon(signals, state) && (policy.measures?.(signals, both(budget), state.inner) ?? false),
    decide(signals, budget, state) {
      const decision = policy.decide(signals, both(budget), state.inner)
      const { request } = decision
      if (request === null) return { ...decision, state: { ...state, inner: decision.state } }
      const excess = excessOf(signals, request, own)
      const limit =
        tooSoon(signals, state) ||
        (excess !== null && `it would come to ${excess.comes} ${excess.what}, above ${excess.allowed}`)
      if (limit) return { request: null, reason: `${limit} (${decision.reason})`, state }
      return { ...decision, state: { inner: decision.state, growths: state.growths + 1 } }
    },
  }
}
