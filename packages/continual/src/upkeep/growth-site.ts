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
import { type Batch, readOf, rowsBetween, type TokenBatch } from '../stream/batch.ts'

/** Mirrors that must follow a growth, the key of its new weights, and its price. */
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

/** Rows on which outputs are compared before and after growth. */
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
      const few = probeOf(recent)
      const shape = [few.rows, few.length]
      using probe = model.device.tensor(readOf(few), { shape, dtype: 'i32' }, 'probe')
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
    grow: (request, options) => growNetwork(model, asHidden(request), { ...options, probe: probeOf(recent) }),
  }
}

/** The record without the plan that takes it back, which is in the model's growth log. */
export function withoutUndo({ undo: _, ...record }: GrowthRecord): JournaledGrowth {
  return record
}

const probeOf = <B extends Batch>(recent: B): B => rowsBetween(recent, 0, Math.min(probeRows, recent.rows))
