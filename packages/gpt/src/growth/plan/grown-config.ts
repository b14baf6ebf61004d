/** The sizes that a request leads to, worked out before anything is made for them: what is too much costs nothing to refuse. */
import type { GptConfig } from '../../config/gpt-config.ts'
import { checkTotalSize } from '../../config/size-limits.ts'
import { requestOf } from '../requests/check-request.ts'
import type { GrowthRequest } from '../requests/growth-request.ts'
import { withAdapter } from '../operators/adapter.ts'
import { withContext } from '../operators/context.ts'
import { withEmbed } from '../operators/embed.ts'
import { withExperts } from '../operators/experts.ts'
import { withHead } from '../operators/head.ts'
import { withHeadDim } from '../operators/head-dim.ts'
import { withKvHead } from '../operators/kv-head.ts'
import { withLayer } from '../operators/layer.ts'
import { withMlpHidden } from '../operators/mlp-hidden.ts'
import { withoutHeads, withoutHidden, withoutLayer } from '../operators/prune.ts'
import { withStack } from '../operators/stack.ts'
import { withVocabulary } from '../operators/vocabulary.ts'

/**
 * The configuration after a request.
 *
 * @throws OptionError for what is no request, names an unknown block, does not grow, or asks for impossible sizes.
 */
export function grownConfig(config: GptConfig, request: GrowthRequest): GptConfig {
  const after = configAfter(config, requestOf(request))
  checkTotalSize(`grow ${request.axis}`, after)
  return after
}

function configAfter(config: GptConfig, request: GrowthRequest): GptConfig {
  switch (request.axis) {
    case 'pruneHidden':
      return withoutHidden(config, request)
    case 'pruneHead':
      return withoutHeads(config, request)
    case 'pruneLayer':
      return withoutLayer(config, request)
    case 'mlpHidden':
      return withMlpHidden(config, request)
    case 'head':
      return withHead(config, request)
    case 'kvHead':
      return withKvHead(config, request)
    case 'headDim':
      return withHeadDim(config, request)
    case 'layer':
      return withLayer(config, request)
    case 'stack':
      return withStack(config, request)
    case 'embed':
      return withEmbed(config, request)
    case 'vocabulary':
      return withVocabulary(config, request)
    case 'context':
      return withContext(config, request)
    case 'adapter':
      return withAdapter(config, request)
    case 'experts':
      return withExperts(config, request)
  }
}
