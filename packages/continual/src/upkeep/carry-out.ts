/** Carries a growth request out, within the budget, and reports what became of it. */
import type { Gpt } from '@burgeon/gpt'
import {
  GrowthRefusedError,
  type GrowthRequest,
  GrowthStandsError,
  type GrowthRecord,
  grow,
  keptBytesOf,
  planGrowth,
  priceOf,
  stateBytesOf,
} from '@burgeon/gpt/growth'
import { BurgeonError, type RandomKey, type Mirror } from '@burgeon/tensor'
import type { JournaledGrowth, LearnerEvent } from '../journal/event.ts'
import { readOf, type TokenBatch } from '../stream/batch.ts'
import type { GrowthBudget } from '../growth/growth-policy.ts'
import { excessOfPrice } from '../growth/within-budget.ts'

/** Rows on which the logits are compared before and after growth. */
const probeRows = 4

/** The model that is to grow, and what must follow or limit it. */
export interface GrowthGround {
  readonly step: number
  readonly budget: GrowthBudget
  readonly model: Gpt
  readonly mirrors: readonly Mirror[]
  /** Rows the model has just seen. */
  readonly recent: TokenBatch
  /** Key of the random stream for new weights. */
  readonly key: RandomKey
  /** In milliseconds, for the record. */
  readonly now?: () => number
}

/** A request, whose it is, and why. */
export interface ReasonedRequest {
  readonly policy: string
  readonly request: GrowthRequest
  readonly reason: string
}

/**
 * A request that cannot be fulfilled is an event, not an error: the model is as it was, and goes on learning.
 */
export async function carryOut(
  asked: ReasonedRequest,
  ground: GrowthGround,
): Promise<LearnerEvent & { kind: 'growth' | 'growth refused' }> {
  const { policy, reason } = asked
  const request = copyOf(asked.request)
  const { step, budget, model, mirrors, key, now } = ground
  try {
    const parameters = model.parameters.size
    // Before there is a plan: what is too much costs next to nothing to refuse.
    const price = priceOf(model.config, request, stateBytesOf(mirrors, parameters))
    const excess = excessOfPrice(price, { parameters, keptBytes: keptBytesOf(model.growthLog) }, budget)
    if (excess !== null) {
      throw new GrowthRefusedError(
        `growth: it leads to ${excess.comes} ${excess.what}; the budget allows ${excess.allowed}.`,
      )
    }
    const planned = planGrowth(model.config, request, key)
    using probe = probeOf(model, ground.recent)
    const record = await grow(model, planned, { mirrors, probe, ...(now && { now }) })
    return growthEvent(asked, step, withoutUndo(record))
  } catch (error) {
    if (!(error instanceof BurgeonError)) throw error
    if (error instanceof GrowthStandsError) {
      const told = { ...asked, reason: `${reason}; ${error.message}` }
      return growthEvent(told, step, withoutUndo(error.record))
    }
    return refusalEvent(policy, step, { reason: error.message })
  }
}

/** Read once, so that what is planned is what was priced. What has no copy is refused by its price. */
function copyOf(request: GrowthRequest): GrowthRequest {
  try {
    return structuredClone(request)
  } catch {
    return request
  }
}

function growthEvent(
  { policy, reason }: ReasonedRequest,
  step: number,
  record: JournaledGrowth,
): LearnerEvent & { kind: 'growth' } {
  const gained = record.parametersAfter - record.parametersBefore
  const sign = gained === 0 ? '' : gained < 0 ? '\u2212' : '+'
  const summary =
    `${record.summary}, ${sign}${Math.abs(gained)} parameters, ` +
    `logits moved ${record.logitsMoved.toExponential(0)}`
  return { kind: 'growth', step, part: policy, summary, data: { reason, record } }
}

/** A growth that was asked for and did not happen. */
export function refusalEvent(
  policy: string,
  step: number,
  data: (LearnerEvent & { kind: 'growth refused' })['data'],
): LearnerEvent & { kind: 'growth refused' } {
  return { kind: 'growth refused', step, part: policy, summary: `growth refused. ${data.reason}`, data }
}

/** The record without the plan that takes it back, which is in the model's growth log. */
function withoutUndo({ undo: _, ...record }: GrowthRecord): JournaledGrowth {
  return record
}

function probeOf({ device }: Gpt, recent: TokenBatch): ReturnType<Gpt['device']['tensor']> {
  const rows = Math.min(probeRows, recent.rows)
  const tokens = readOf(recent).subarray(0, rows * recent.length)
  return device.tensor(tokens, { shape: [rows, recent.length], dtype: 'i32' }, 'probe')
}
