/** Several policies as one. */
import type { GptConfig } from '@burgeon/gpt'
import { checkArgument, OptionError } from '@burgeon/tensor'
import { aGrowthPolicy, type GrowthPolicy } from '../growth-policy.ts'
import { requireUntried } from '../growth-trial.ts'
import type { AnyConfig } from '../price-in.ts'

/**
 * Asks one policy after the other, and takes the first request. Policies behind it are not asked at that
 * step, and their state stays. A step of growth is one for all of them: `stepsSinceGrowth` begins anew
 * whoever asked. What was measured is shown to those who asked for it.
 *
 * @throws OptionError without a policy, or for one by trial.
 * @example
 * ```ts
 * const growth = firstOf(growOnDrift({ patience: 100 }), growOnPlateau({ window: 100, patience: 200 }))
 * ```
 */
export function firstOf<C extends AnyConfig = GptConfig>(
  ...policies: readonly [GrowthPolicy<unknown, C>, ...GrowthPolicy<unknown, C>[]]
): GrowthPolicy<readonly unknown[], C> {
  if (policies.length === 0) throw new OptionError('firstOf: got no policy; expected at least one.')
  policies.forEach((policy, i) => {
    checkArgument('firstOf', `policies[${i}]`, policy, aGrowthPolicy)
    requireUntried('firstOf', policy)
  })
  return {
    name: `first of: ${policies.map(({ name }) => name).join('; ')}`,
    ...(policies.some((policy) => policy.waitsForDrift) && { waitsForDrift: true }),
    ...(policies.some((policy) => policy.waitsForSaturation) && { waitsForSaturation: true }),
    initial: policies.map(({ initial }) => initial),
    stateCheck: {
      expected: 'a state of each policy',
      accepts: (states): states is readonly unknown[] =>
        Array.isArray(states) &&
        states.length === policies.length &&
        policies.every(({ stateCheck }, i) => stateCheck?.accepts(states[i]) ?? true),
    },
    connect({ get, set }) {
      for (const [i, policy] of policies.entries()) {
        policy.connect?.({ get: () => get()[i], set: (state) => set(get().with(i, state)) })
      }
    },
    measures: (signals, budget, states) =>
      policies.some((policy, i) => policy.measures?.(signals, budget, states[i]) ?? false),
    decide(signals, budget, states) {
      const next = [...states]
      const reasons: string[] = []
      for (const [i, policy] of policies.entries()) {
        const { measured: _, ...unmeasured } = signals
        const hasAsked = policy.measures?.(signals, budget, states[i]) ?? false
        const decision = policy.decide(hasAsked ? signals : unmeasured, budget, states[i])
        next[i] = decision.state
        // One that is held is told as well.
        if (decision.request !== null || decision.held !== undefined) return { ...decision, state: next }
        reasons.push(decision.reason)
      }
      return { request: null, reason: reasons.join('; '), state: next }
    },
  }
}
