/** Has a wish to grow carried out, within the budget, and says what became of it. */
import type { Gpt } from '@burgeon/gpt'
import {
  GrowthRefusedError,
  type GrowthRequest,
  GrowthStandsError,
  type GrowthRecord,
  grow,
  keptBytesOf,
  stateBytesOf,
} from '@burgeon/gpt/growth'
import { BurgeonError, type Key, type Mirror } from '@burgeon/tensor'
import type { JournalledGrowth, LearnerEvent } from '../step-report.ts'
import { type Batch, readOf } from '../stream/batch.ts'
import type { GrowthBudget } from './growth-policy.ts'
import { excessOf } from './within-budget.ts'

/** Rows on which the logits are compared before and after growth. */
const probeRows = 4

/** The model that is to grow, and what must follow or limit it. */
export interface GrowthGround {
  readonly step: number
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

/** A wish, whose it is, and why. */
export interface GrowthWish {
  readonly policy: string
  readonly request: GrowthRequest
  readonly reason: string
}

/** A wish that cannot be fulfilled is an event, not an error: the model is as it was, and goes on learning. */
export async function carryOut(
  wish: GrowthWish,
  ground: GrowthGround,
): Promise<LearnerEvent & { kind: 'growth' | 'growth refused' }> {
  const { policy, request, reason } = wish
  const { step, budget, model, mirrors, key, now } = ground
  try {
    const has = {
      ...{ config: model.config, parameters: model.parameters.size },
      stateBytes: stateBytesOf(mirrors, model.parameters.size),
      keptBytes: keptBytesOf(model.growthLog),
    }
    const excess = excessOf(has, request, budget)
    if (excess !== null) {
      throw new GrowthRefusedError(
        `growth: it leads to ${excess.comes} ${excess.what}; the budget allows ${excess.allowed}.`,
      )
    }
    using probe = probeOf(model, ground.recent)
    const record = await grow(model, request, { mirrors, probe, key, ...(now && { now }) })
    return { kind: 'growth', step, policy, reason, record: withoutUndo(record) }
  } catch (error) {
    if (!(error instanceof BurgeonError)) throw error
    if (error instanceof GrowthStandsError) {
      return {
        kind: 'growth',
        step,
        policy,
        reason: `${reason}; ${error.message}`,
        record: withoutUndo(error.record),
      }
    }
    return { kind: 'growth refused', step, policy, reason: error.message }
  }
}

/** What takes it back is in the model's growth log, once. */
function withoutUndo({ undo: _, ...record }: GrowthRecord): JournalledGrowth {
  return record
}

function probeOf({ device }: Gpt, recent: Batch): ReturnType<Gpt['device']['tensor']> {
  const rows = Math.min(probeRows, recent.rows)
  const tokens = readOf(recent).subarray(0, rows * recent.length)
  return device.tensor(tokens, { shape: [rows, recent.length], dtype: 'i32' }, 'probe')
}
