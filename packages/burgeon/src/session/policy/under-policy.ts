/** What a policy makes of a life: its guard, its budget, and what has to be asked for first. */
import { type GrowthBudget, type Guard, guards, type Policy, policyGuard } from '@burgeon/continual'
import type { HeldPolicy } from '../../models/held-policy.ts'
import { guardFrom, type GuardSettings } from '../guard/guard-settings.ts'

/** A budget within the limits of a policy. */
export function budgetUnder({ grow = {}, approve = {} }: Policy, budget: GrowthBudget): GrowthBudget {
  return {
    ...budget,
    parameters: Math.min(budget.parameters, grow.maxParameters ?? Infinity),
    ...(grow.kinds && { kinds: grow.kinds }),
    ...(approve.growthAbove !== undefined && { withoutApproval: approve.growthAbove }),
  }
}

/**
 * The guard of a life; undefined where it learns everything. What the policy does with personal data goes
 * first.
 */
export function guardUnder(
  policy: HeldPolicy | undefined,
  settings: GuardSettings | undefined,
): Guard | undefined {
  if (policy === undefined) return settings && guardFrom('guard', settings)
  const own = policyGuard(policy.rules)
  if (settings === undefined) return own
  const { personalData, ...others } = settings
  const isTwice = policy.rules.learn?.personalData !== undefined
  return guards(
    own,
    guardFrom('guard', isTwice ? others : { ...others, ...(personalData && { personalData }) }),
  )
}
