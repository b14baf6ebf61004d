/** From a request to a plan: which slices of which parameters come from where. Pure: nothing is touched. */
import { checkArgument, type Key } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import { requestOf } from '../requests/check-request.ts'
import { grownConfig } from './grown-config.ts'
import { aConfig, aKey, aRequest } from '../apply/growth-checks.ts'
import type { GrowthRequest } from '../requests/growth-request.ts'
import { planAdapter } from '../operators/adapter.ts'
import { planContext } from '../operators/context.ts'
import { planEmbed } from '../operators/embed.ts'
import { planExperts } from '../operators/experts.ts'
import { planHead } from '../operators/head.ts'
import { planHeadDim } from '../operators/head-dim.ts'
import { planKvHead } from '../operators/kv-head.ts'
import { planLayer } from '../operators/layer.ts'
import { planMlpHidden } from '../operators/mlp-hidden.ts'
import { planStack } from '../operators/stack.ts'
import { planVocabulary } from '../operators/vocabulary.ts'
import { planPruneHead, planPruneHidden, planPruneLayer } from '../operators/prune.ts'
import type { PlannedGrowth } from '../changes/planned-growth.ts'

/**
 * Works out how to fulfil a request.
 *
 * @param key Of the random stream for new weights.
 * @throws OptionError if the request names an unknown block, does not grow, or asks for impossible sizes.
 */
export function planGrowth(config: GptConfig, request: GrowthRequest, key: Key): PlannedGrowth {
  checkArgument('planGrowth', 'config', config, aConfig)
  checkArgument('planGrowth', 'request', request, aRequest)
  checkArgument('planGrowth', 'key', key, aKey)
  grownConfig(config, request)
  return planned(config, requestOf(request), key)
}

function planned(config: GptConfig, request: GrowthRequest, key: Key): PlannedGrowth {
  switch (request.axis) {
    case 'pruneHidden':
      return planPruneHidden(config, request, key)
    case 'pruneHead':
      return planPruneHead(config, request, key)
    case 'pruneLayer':
      return planPruneLayer(config, request, key)
    case 'mlpHidden':
      return planMlpHidden(config, request, key)
    case 'head':
      return planHead(config, request, key)
    case 'kvHead':
      return planKvHead(config, request, key)
    case 'headDim':
      return planHeadDim(config, request, key)
    case 'layer':
      return planLayer(config, request, key)
    case 'stack':
      return planStack(config, request, key)
    case 'embed':
      return planEmbed(config, request, key)
    case 'vocabulary':
      return planVocabulary(config, request, key)
    case 'context':
      return planContext(config, request, key)
    case 'adapter':
      return planAdapter(config, request, key)
    case 'experts':
      return planExperts(config, request, key)
  }
}
