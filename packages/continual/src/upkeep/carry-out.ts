/** Carries a growth request out, within the budget, and reports what became of it. */
import { GrowthRefusedError, GrowthStandsError, stateBytesOf } from '@burgeon/gpt/growth'
import { BurgeonError, type RandomKey, type Mirror } from '@burgeon/tensor'
import type { GrowthBudget } from '../growth/growth-policy.ts'
import { type AnyRequest, priceIn } from '../growth/price-in.ts'
import { barOf, excessOfPrice } from '../growth/within-budget.ts'
import type { JournaledGrowth, LearnerEvent } from '../journal/event.ts'
import type { NetworkGrowth } from '../model/grow-network.ts'
import type { Model } from '../model/model.ts'
import type { Batch } from '../stream/batch.ts'
import { siteOf, withoutUndo } from './growth-site.ts'

/** The model that is to grow, and what must follow or limit it. */
export interface GrowthGround {
  readonly step: number
  readonly budget: GrowthBudget
  readonly model: Model
  readonly mirrors: readonly Mirror[]
  /** Rows the model has just seen. */
  readonly recent: Batch
  /** Key of the random stream for new weights. */
  readonly key: RandomKey
  /** In milliseconds, for the record. */
  readonly now?: () => number
}

/** A request, whose it is, and why. */
export interface ReasonedRequest {
  readonly policy: string
  readonly request: AnyRequest
  readonly reason: string
  /** Whether somebody has approved it. False unless given. */
  readonly isApproved?: boolean
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
  const site = siteOf(model, ground.recent)
  try {
    const parameters = model.parameters.size
    // Before there is a plan: what is too much costs next to nothing to refuse.
    const price = priceIn(site.config, request, stateBytesOf(mirrors, parameters))
    const excess = excessOfPrice(price, { parameters, keptBytes: site.keptBytes }, budget)
    if (excess !== null) {
      throw new GrowthRefusedError(
        `growth: it leads to ${excess.comes} ${excess.what}; the budget allows ${excess.allowed}.`,
      )
    }
    const comes = parameters + price.after.parameters - price.before.parameters
    const bar = barOf(request, comes, parameters, budget, asked.isApproved ?? false)
    if (bar !== null) throw new GrowthRefusedError(`growth: ${bar}`)
    const record = await site.grow(request, { mirrors, key, price, ...(now && { now }) })
    return growthEvent(asked, step, record)
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
function copyOf(request: AnyRequest): AnyRequest {
  try {
    return structuredClone(request)
  } catch {
    return request
  }
}

function growthEvent(
  { policy, reason }: ReasonedRequest,
  step: number,
  record: JournaledGrowth | NetworkGrowth,
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
