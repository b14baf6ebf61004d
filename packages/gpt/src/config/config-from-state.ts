/** Reads saved configurations, also those of earlier versions. */
import { OptionError, shown } from '@burgeon/tensor'
import { checkConfig, checkIsConfig } from './check-config.ts'
import type { BlockConfig, GptConfig, PatchConfig, SenseConfig } from './gpt-config.ts'

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
  const { epsilon, biases, untiedHead, queryKeyNorm, pretrained, patches } = saved
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
    ...(patches !== undefined && { patches: patchesFromState(patches) }),
    ...(pretrained !== undefined && { pretrained }),
  }
  checkConfig(config)
  return config
}

function patchesFromState(saved: PatchConfig): PatchConfig {
  if (typeof saved !== 'object' || saved === null || !Array.isArray(saved.senses)) {
    throw new OptionError(`model state: got patches ${shown(saved)}; expected those of a model.`)
  }
  const { byteEmbed, bytes, rows, columns, beside, mixing, local, senses } = saved
  const own = (senses as readonly (Partial<SenseConfig> | null)[]).map((sense) => {
    const { name, token, header, patches, rows: down, columns: across, frames, end } = sense ?? {}
    return {
      ...{ name, token, ...(header !== undefined && { header }), patches, rows: down, columns: across },
      ...(frames !== undefined && { frames }),
      ...(end !== undefined && { end }),
    } as SenseConfig
  })
  return {
    ...{ byteEmbed, bytes, rows, columns, ...(beside !== undefined && { beside }) },
    ...(mixing !== undefined && { mixing }),
    ...{ local: configFromState(local), senses: own },
  }
}

/** Whether two configurations are of the same sizes, in whatever form they were saved. */
export function isSameConfig(a: GptConfig, b: GptConfig): boolean {
  return a === b || JSON.stringify(configFromState(a)) === JSON.stringify(configFromState(b))
}
