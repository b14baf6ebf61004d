/** Where growth happens: what it needs of the model of a learner, which is a GPT or a dense network. */
import { Gpt } from '@burgeon/gpt'
import {
  type GrowthPrice,
  type GrowthRecord,
  type GrowthRequest,
  grow,
  keptBytesOf,
  planGrowth,
} from '@burgeon/gpt/growth'
import type { Mirror, RandomKey } from '@burgeon/tensor'
import { gradMaxRequest } from '../growth/measure/grad-max-request.ts'
import { measureBlocks } from '../growth/measure/measure-blocks.ts'
import type { Measurement } from '../growth/measure/measurement.ts'
import { type AnyConfig, type AnyRequest, asHidden } from '../growth/price-in.ts'
import type { JournaledGrowth } from '../journal/event.ts'
import type { DenseNetwork } from '../model/dense-network.ts'
import { growNetwork, type NetworkGrowth } from '../model/grow-network.ts'
import type { Model } from '../model/model.ts'
import { type Batch, readOf, type TokenBatch } from '../stream/batch.ts'

/** What must follow a growth, and what its new weights are drawn with. */
export interface SiteOptions {
  readonly mirrors: readonly Mirror[]
  readonly key: RandomKey
  readonly price: GrowthPrice
  /** In milliseconds, for the record. */
  readonly now?: () => number
}

/** A model that can grow, seen in one step. */
export interface GrowthSite {
  readonly config: AnyConfig
  /** Bytes of what prunings dropped and can bring back. */
  readonly keptBytes: number
  /** Measures its blocks, where it has any. */
  readonly measure?: () => Promise<Measurement>
  /** Throws a BurgeonError for a request that cannot be fulfilled. */
  grow(request: AnyRequest, options: SiteOptions): Promise<JournaledGrowth | NetworkGrowth>
}

/** Rows on which the logits are compared before and after growth. */
const probeRows = 4

/** @param recent Rows that the model has just seen. */
export function siteOf(model: Model, recent: Batch): GrowthSite {
  return model instanceof Gpt
    ? siteOfGpt(model, recent as TokenBatch)
    : siteOfNetwork(model as DenseNetwork, recent)
}

function siteOfGpt(model: Gpt, recent: TokenBatch): GrowthSite {
  return {
    config: model.config,
    keptBytes: keptBytesOf(model.growthLog),
    measure: () => measureBlocks(model, recent),
    async grow(request, { mirrors, key, now }) {
      const wanted = await measured(request as GrowthRequest, model, recent)
      const planned = planGrowth(model.config, wanted, key)
      using probe = probeOf(model, recent)
      return withoutUndo(await grow(model, planned, { mirrors, probe, ...(now && { now }) }))
    },
  }
}

/** The request with the weights of new units, where they have to be measured. */
async function measured(request: GrowthRequest, model: Gpt, recent: TokenBatch): Promise<GrowthRequest> {
  if (request.kind !== 'widenMlp' || request.how !== 'gradMax' || request.outgoing !== undefined)
    return request
  const { block, to } = request
  return gradMaxRequest(model, recent, { block, to })
}

function siteOfNetwork(model: DenseNetwork, recent: Batch): GrowthSite {
  return {
    config: model.sizes,
    keptBytes: 0,
    grow: (request, options) => growNetwork(model, asHidden(request), { ...options, recent }),
  }
}

/** The record without the plan that takes it back, which is in the model's growth log. */
export function withoutUndo({ undo: _, ...record }: GrowthRecord): JournaledGrowth {
  return record
}

function probeOf({ device }: Gpt, recent: TokenBatch): ReturnType<Gpt['device']['tensor']> {
  const rows = Math.min(probeRows, recent.rows)
  const tokens = readOf(recent).subarray(0, rows * recent.length)
  return device.tensor(tokens, { shape: [rows, recent.length], dtype: 'i32' }, 'probe')
}
