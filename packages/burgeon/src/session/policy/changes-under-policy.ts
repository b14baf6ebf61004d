/** Changes of settings that a policy wants somebody to say yes to. */
import { count } from '../../terminal/quantities.ts'
import type { HeldPolicy } from '../../models/held-policy.ts'
import { type ApprovalKind, type ApprovalRequest, askFor, noteDone } from '../control/approvals.ts'
import type { LifeSettings } from '../life/life-settings.ts'

/** Settings that may be others from now on. */
export interface WantedChanges {
  readonly maxParameters?: number | undefined
  readonly policy?: HeldPolicy | undefined
}

/** What may be changed now, and what waits. */
export interface ChangesUnderPolicy {
  readonly now: WantedChanges
  readonly waiting: readonly ApprovalRequest[]
}

/**
 * Asks for changes that the policy of a life wants to be asked for, and lets those be that were approved.
 * Another budget or policy that asks for less is a change as well.
 */
export async function changesUnderPolicy(
  folder: string,
  { policy: held, maxParameters: most }: Pick<LifeSettings, 'policy' | 'maxParameters'>,
  wanted: WantedChanges,
): Promise<ChangesUnderPolicy> {
  const { policy, maxParameters } = wanted
  const { policy: asksPolicy = false, budget: asksBudget = false } = held?.rules.approve ?? {}
  const waiting: ApprovalRequest[] = []
  const allowed = async (kind: ApprovalKind, what: unknown, summary: string): Promise<boolean> => {
    const request = await askFor(folder, kind, what, summary)
    if (request.decision === 'approve') {
      await noteDone(folder, request.id)
      return true
    }
    waiting.push(request)
    return false
  }
  const isLarger = maxParameters !== undefined && maxParameters > most
  const mayBudget =
    !isLarger ||
    !asksBudget ||
    (await allowed(
      'budget',
      maxParameters,
      `up to ${count(maxParameters)} parameters instead of ${count(most)}`,
    ))
  const isOther = policy !== undefined && policy.digest !== held?.digest
  const mayPolicy =
    !isOther ||
    !asksPolicy ||
    (await allowed(
      'policy',
      policy.digest,
      `the policy ${policy.digest.slice(0, 12)} instead of ${held?.digest.slice(0, 12)}`,
    ))
  return {
    now: { ...(mayBudget && { maxParameters }), ...(mayPolicy && { policy }) },
    waiting,
  }
}
