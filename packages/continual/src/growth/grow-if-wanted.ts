/** Asks the policy, and has its wish carried out. */
import type { LearnerEvent } from '../step-report.ts'
import { carryOut, type GrowthGround } from './carry-out.ts'
import type { GrowthPolicy, GrowthSignals } from './growth-policy.ts'

export interface GrowthTurn extends Omit<GrowthGround, 'step'> {
  readonly policy: GrowthPolicy
  readonly policyState: unknown
  readonly signals: GrowthSignals
}

/** One decision of a policy, carried out. */
export async function growIfWanted(
  turn: GrowthTurn,
): Promise<{ policyState: unknown; events: LearnerEvent[] }> {
  const { policy, signals, budget, policyState } = turn
  const { request, reason, state } = policy.decide(signals, budget, policyState)
  if (request === null) return { policyState: state, events: [] }
  const event = await carryOut({ policy: policy.name, request, reason }, { ...turn, step: signals.step })
  return { policyState: state, events: [event] }
}
