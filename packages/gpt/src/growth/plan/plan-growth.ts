/** From a request to a plan: which slices of which parameters come from where. Pure: nothing is touched. */
import { checkArgument, checks, type RandomKey } from '@burgeon/tensor'
import { aConfig, type GptConfig } from '../../config/gpt-config.ts'
import { checkTotalSize } from '../../config/size-limits.ts'
import type { Operator, PlannedGrowth } from '../changes/planned-growth.ts'
import { addAdapter } from '../operators/add-adapter.ts'
import { addExperts } from '../operators/add-experts.ts'
import { addHeads } from '../operators/add-heads.ts'
import { addKvHeads } from '../operators/add-kv-heads.ts'
import { addLayer } from '../operators/add-layer.ts'
import { addSense } from '../operators/tokens/add-sense.ts'
import { copyLayers } from '../operators/copy-layers.ts'
import { growContext } from '../operators/tokens/grow-context.ts'
import { growVocabulary } from '../operators/tokens/grow-vocabulary.ts'
import { pruneHeads, pruneLayer, pruneUnits } from '../operators/prune.ts'
import { widenEmbed } from '../operators/widen-embed.ts'
import { widenHeads } from '../operators/widen-heads.ts'
import { widenMlp } from '../operators/widen-mlp.ts'
import { aRequest, requestOf } from '../requests/check-request.ts'
import type { GrowthKind, GrowthRequest, RequestOfKind } from '../requests/growth-request.ts'

/** An operator for every kind of request. */
const operators: { readonly [Kind in GrowthKind]: Operator<RequestOfKind<Kind>> } = {
  widenMlp,
  addHeads,
  addKvHeads,
  widenHeads,
  addLayer,
  copyLayers,
  widenEmbed,
  growVocabulary,
  growContext,
  addSense,
  addAdapter,
  addExperts,
  pruneUnits,
  pruneHeads,
  pruneLayer,
}

/** The operator of a request's kind; requests of other kinds must not be given to it. */
const operatorOf = ({ kind }: GrowthRequest): Operator<GrowthRequest> => operators[kind]

/**
 * The configuration after a request: the sizes are worked out before anything is made for them, so that what
 * is too much costs nothing to refuse.
 *
 * @throws OptionError for what is not a request, names an unknown block, does not grow, or asks for
 *   impossible sizes.
 */
export function grownConfig(config: GptConfig, request: GrowthRequest): GptConfig {
  const own = requestOf(request)
  const after = operatorOf(own).configAfter(config, own)
  checkTotalSize(`grow ${own.kind}`, after)
  return after
}

/**
 * Works out how to fulfil a request.
 *
 * @param key Of the random stream for new weights.
 * @throws OptionError if the request names an unknown block, does not grow, or asks for impossible sizes.
 */
export function planGrowth(config: GptConfig, request: GrowthRequest, key: RandomKey): PlannedGrowth {
  checkArgument('planGrowth', 'config', config, aConfig)
  checkArgument('planGrowth', 'request', request, aRequest)
  checkArgument('planGrowth', 'key', key, checks.key)
  const own = requestOf(request)
  return operatorOf(own).plan(own, { config, after: grownConfig(config, own), key })
}
