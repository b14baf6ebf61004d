/** Reads saved configurations, also those of earlier versions. */
import { checkConfig, checkIsConfig } from './check-config.ts'
import type { BlockConfig, GptConfig } from './gpt-config.ts'

/** A configuration as earlier versions saved it: heads of one size for all blocks, and no choices. */
interface EarlierConfig extends Partial<Omit<GptConfig, 'blocks'>> {
  readonly heads?: number
  readonly headDim?: number
  readonly blocks?: readonly Partial<BlockConfig>[]
}

/**
 * A saved configuration in the present form, its entries in one order.
 *
 * @throws OptionError for an invalid configuration.
 */
export function configFromState(saved: GptConfig): GptConfig {
  checkIsConfig(saved)
  const { vocabulary, context, embed, norm, normWidth, headBias, logitOffsets, nextBlock, ...rest } =
    saved as GptConfig & EarlierConfig
  const { epsilon, biases, untiedHead, queryKeyNorm, pretrained } = saved
  const { positions = 'learned', activation = 'gelu' } = rest as EarlierConfig
  const blocks = ((rest.blocks ?? []) as readonly BlockConfig[]).map((block): BlockConfig => {
    const { id, mlpHidden, scoreWidth, headNormWidth, window, frequencies, adapter, expertShares } = block
    const { heads, headDim } = { ...rest, ...block } as BlockConfig
    const { kvHeads = heads } = block as Partial<BlockConfig>
    const given = {
      ...(scoreWidth !== undefined && { scoreWidth }),
      ...(headNormWidth !== undefined && { headNormWidth }),
      ...(window !== undefined && { window }),
      ...(frequencies && { frequencies }),
      ...(adapter && { adapter: { rank: adapter.rank, scale: adapter.scale } }),
      ...(expertShares && { expertShares }),
    }
    return { id, mlpHidden, heads, kvHeads, headDim, ...given }
  })
  const given = {
    ...(normWidth !== undefined && { normWidth }),
    ...(epsilon !== undefined && { epsilon }),
    ...(biases !== undefined && { biases }),
    ...(untiedHead && { untiedHead }),
    ...(queryKeyNorm && { queryKeyNorm }),
    ...(headBias && { headBias }),
    ...(logitOffsets && { logitOffsets }),
  }
  const config = {
    ...{ vocabulary, context, embed, norm, ...given, positions, activation, blocks, nextBlock },
    ...(pretrained !== undefined && { pretrained }),
  }
  checkConfig(config)
  return config
}

/** Whether two configurations are of the same sizes, in whatever form they were saved. */
export function isSameConfig(a: GptConfig, b: GptConfig): boolean {
  return a === b || JSON.stringify(configFromState(a)) === JSON.stringify(configFromState(b))
}
