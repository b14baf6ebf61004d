/** A wider residual stream. */
import { type SliceAverage, extendAxis, type InitialValues } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import { type ParameterSpec, parameterSpecs } from '../../config/parameters.ts'
import type { WidenEmbed } from '../requests/growth-request.ts'
import { resizeAxis, small } from '../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../changes/planned-growth.ts'
import { checkGrows, checkMix } from '../requests/check-values.ts'

/** The configuration with more channels. */
function configAfter(config: GptConfig, { to }: WidenEmbed): GptConfig {
  const { embed: from, norm, normWidth = from } = config
  checkGrows('widenEmbed', from, to)
  if (norm === 'layer') checkMix('widenEmbed', from, to - from)
  return { ...config, embed: to, normWidth }
}

/**
 * New channels, by what each weight does to the stream:
 *
 * - Writers (embeddings, attention output, MLP down) put nothing into them under RMSNorm: the sum of squares
 *   stays. Under LayerNorm they put the mean of their old columns there, so that a new channel is the mean of
 *   the old ones: mean and sum of squared deviations stay, and the channel is normalized to 0.
 * - Readers (query, key, value, up, the router, and A of adapters beside them) have random rows for them,
 *   which meet zeros.
 * - Norms go on dividing by the width they were born with (`normWidth`).
 *
 * So every logit stays; writers learn at once, through the random readers, and readers as soon as writers
 * have moved. The embedding is tied to the head and is a writer in both: the head meets zeros too.
 */
function plan(request: WidenEmbed, { config, after, key }: GrowthStep): PlannedGrowth {
  const { embed: from, norm } = config
  const { to } = request
  const fresh = ({ path, axes }: ParameterSpec): InitialValues | SliceAverage => {
    if (path.endsWith('.gain')) return { kind: 'one' }
    if (path.endsWith('.norm.bias')) return { kind: 'zero' }
    const isWriter = /^embed\.|\.(output|down)\./.test(path) // their adapters' B, too
    if (!isWriter) return small
    return norm === 'rms' ? { kind: 'zero' } : { kind: 'average', axis: axes.indexOf('embed') }
  }
  const changes = resizeAxis(parameterSpecs(config), 'embed', extendAxis(from, to), fresh)
  return planned(request, { config, after, key, summary: `embed ${from} → ${to}`, changes })
}

/** The operator of `WidenEmbed`. */
export const widenEmbed: Operator<WidenEmbed> = { configAfter, plan }
