/** Asks the policy, holds its wish against the budget, and has it carried out. */
import type { Gpt } from '@burgeon/gpt'
import { GrowthRefusedError, grow } from '@burgeon/gpt/growth'
import { BurgeonError, type Key, type Mirror } from '@burgeon/tensor'
import type { LearnerEvent } from '../step-report.ts'
import { type Batch, inputsOf } from '../stream/batch.ts'
import type { GrowthBudget, GrowthPolicy, GrowthSignals } from './growth-policy.ts'
import { measureBlocks } from './measure-blocks.ts'
import { excessOf } from './within-budget.ts'

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
  /** In milliseconds, for the record. */
  readonly now?: () => number
}

/**
 * One decision of a policy, carried out. A wish that cannot be fulfilled is an event, not an error: the model is as it
 * was, and goes on learning.
 */
export async function growIfWanted(
  turn: GrowthTurn,
): Promise<{ policyState: unknown; events: LearnerEvent[] }> {
  const { policy, policyState, budget, model, mirrors, key, now } = turn
  const isMeasured = policy.measures?.(turn.signals, budget, policyState) ?? false
  const measured = isMeasured ? await measureBlocks(model, turn.recent) : undefined
  const signals = measured ? { ...turn.signals, measured } : turn.signals
  const { request, reason, state } = policy.decide(signals, budget, policyState)
  const because = (why: string) => ({ step: signals.step, policy: policy.name, reason: why })
  if (request === null) {
    const considered: LearnerEvent[] = measured
      ? [{ kind: 'growth considered', ...because(reason), measured }]
      : []
    return { policyState: state, events: considered }
  }
  const seen = measured && { measured }
  try {
    const excess = excessOf(signals, request, budget)
    if (excess !== null) {
      throw new GrowthRefusedError(
        `growth: it leads to ${excess.comes} ${excess.what}; the budget allows ${excess.allowed}.`,
      )
    }
    using probe = probeOf(model, turn.recent)
    const record = await grow(model, request, { mirrors, probe, key, ...(now && { now }) })
    return { policyState: state, events: [{ kind: 'growth', ...because(reason), record, ...seen }] }
  } catch (error) {
    if (!(error instanceof BurgeonError)) throw error
    return { policyState: state, events: [{ kind: 'growth refused', ...because(error.message), ...seen }] }
  }
}

function probeOf({ device }: Gpt, recent: Batch): ReturnType<Gpt['device']['tensor']> {
  const rows = Math.min(probeRows, recent.rows)
  const tokens = inputsOf(recent).subarray(0, rows * recent.length)
  return device.tensor(tokens, { shape: [rows, recent.length], dtype: 'i32' }, 'probe')
}
