/** Grows when old and new do not fit into the model beside each other. */
import type { GptConfig } from '@burgeon/gpt'
import { checkOptions, checks } from '@burgeon/tensor'
import type { GrowthPolicy } from '../growth-policy.ts'
import type { AnyConfig, RequestTo } from '../price-in.ts'
import { usualRequest } from '../requests/usual-request.ts'
import { excessOf } from '../within-budget.ts'

/** How often it asks, and for what. */
export interface GrowOnConflictOptions<C extends AnyConfig = GptConfig> {
  /** Steps after a growth, and from the first on, in which it does not ask, ≥ 1. Default 500. */
  readonly patience?: number
  /**
   * Makes the request. Unless given, one for a copy of the last block on top of it; of a dense network, one
   * for half as many units more in its narrowest hidden layer.
   */
  readonly request?: (config: C) => RequestTo<C>
}

/**
 * Asks for growth while the controller says that it is saturated: what it does against forgetting is at its
 * stop, and more is forgotten than it was to allow. What rehearsal cannot hold down is a want of capacity
 * (Marek et al. 2026).
 *
 * @throws OptionError for options out of range.
 * @example
 * ```ts
 * const strategy = {
 *   rehearsal: reservoirReplay({ capacity: 500 }),
 *   probes: heldBack(),
 *   controller: forgetAtMost(0.02),
 *   growth: growOnConflict(),
 * }
 * ```
 */
export function growOnConflict<C extends AnyConfig = GptConfig>(
  options: GrowOnConflictOptions<C> = {},
): GrowthPolicy<null, C> {
  checkOptions('growOnConflict', options, {
    patience: checks.integer({ from: 1 }),
    request: checks.callback('a function of a configuration'),
  })
  const { patience = 500, request = (config) => usualRequest(config) as RequestTo<C> } = options
  return {
    name: `on conflict, every ${patience} steps at most`,
    initial: null,
    waitsForSaturation: true,
    decide(signals, budget) {
      const stay = (reason: string) => ({ request: null, reason, state: null }) as const
      if (signals.isSaturated !== true) return stay('the controller can still do something')
      if (signals.stepsSinceGrowth < patience) return stay('the last growth may still help')
      const wanted = request(signals.config)
      if (excessOf(signals, wanted, budget) !== null) return stay('the budget is spent')
      return { request: wanted, reason: 'the controller can do no more', state: null }
    },
  }
}
