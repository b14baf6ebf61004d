/** Asks the policy, holds its wish against the budget, and has it carried out. */
import type { Gpt } from '@burgeon/gpt'
import { GrowthRefusedError, grow, planGrowth } from '@burgeon/gpt/growth'
import { BurgeonError, type Key, type Mirror } from '@burgeon/tensor'
import type { LearnerEvent } from '../step-report.ts'
import { type Batch, inputsOf } from '../stream/batch.ts'
import type { GrowthBudget, GrowthPolicy, GrowthSignals } from './growth-policy.ts'

/** Rows on which the logits are compared before and after growth. */
const probeRows = 4

export interface GrowthTurn {
  readonly policy: GrowthPolicy
  readonly policyState: unknown
  readonly signals: GrowthSignals
  readonly budget: GrowthBudget
  readonly model: Gpt
  readonly mirrors: readonly Mirror[]
  /** Rows the model has just seen. */
  readonly recent: Batch
  /** Of the random stream for new weights. */
  readonly key: Key
}

/**
 * One decision of a policy, carried out. A wish that cannot be fulfilled is an event, not an error: the model is as it
 * was, and goes on learning.
 */
export async function growIfWanted(
  turn: GrowthTurn,
): Promise<{ policyState: unknown; events: LearnerEvent[] }> {
  const { policy, signals, budget, model, mirrors, key } = turn
  const { request, reason, state } = policy.decide(signals, budget, turn.policyState)
  if (request === null) return { policyState: state, events: [] }
  const about = { step: signals.step, policy: policy.name }
  try {
    const after = signals.parameters + planGrowth(model.config, request, key).parameters
    if (after > budget.parameters) {
      throw new GrowthRefusedError(
        `growth: it leads to ${after} parameters; the budget allows ${budget.parameters}.`,
      )
    }
    using probe = probeOf(model, turn.recent)
    const record = await grow(model, request, { mirrors, probe, key })
    return { policyState: state, events: [{ kind: 'growth', ...about, reason, record }] }
  } catch (error) {
    if (!(error instanceof BurgeonError)) throw error
    return { policyState: state, events: [{ kind: 'growth refused', ...about, reason: error.message }] }
  }
}

function probeOf({ device }: Gpt, recent: Batch): ReturnType<Gpt['device']['tensor']> {
  const rows = Math.min(probeRows, recent.rows)
  const tokens = inputsOf(recent).subarray(0, rows * recent.length)
  return device.tensor(tokens, { shape: [rows, recent.length], dtype: 'i32' }, 'probe')
}
