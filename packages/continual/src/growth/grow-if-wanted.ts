/** Asks the policy, and has its wish carried out. */
import type { LearnerEvent } from '../step-report.ts'
import { carryOut, type GrowthGround } from './carry-out.ts'
import type { GrowthPolicy, GrowthSignals } from './growth-policy.ts'
import { measureBlocks } from './measure-blocks.ts'

export interface GrowthTurn extends Omit<GrowthGround, 'step'> {
  readonly policy: GrowthPolicy
  readonly policyState: unknown
  readonly signals: GrowthSignals
}

/** One decision of a policy, measured for if it asks, and carried out. */
export async function growIfWanted(
  turn: GrowthTurn,
): Promise<{ policyState: unknown; events: LearnerEvent[] }> {
  const { policy, policyState, budget } = turn
  const isMeasured = policy.measures?.(turn.signals, budget, policyState) ?? false
  const seen = isMeasured ? { measured: await measureBlocks(turn.model, turn.recent) } : {}
  const signals = { ...turn.signals, ...seen }
  const { request, reason, state } = policy.decide(signals, budget, policyState)
  const { step } = signals
  if (request === null) {
    const considered: LearnerEvent[] =
      seen.measured === undefined
        ? []
        : [{ kind: 'growth considered', step, policy: policy.name, reason, measured: seen.measured }]
    return { policyState: state, events: considered }
  }
  const event = await carryOut({ policy: policy.name, request, reason }, { ...turn, step })
  return { policyState: state, events: [{ ...event, ...seen }] }
}
