/** The sizes of a GPT. Plain data: it is written into every checkpoint. */
import { type Check, checkOptions, type ChecksOf, checks, OptionError } from '@burgeon/tensor'
import { checkConfig, checkIsConfig } from './check-config.ts'
import { checkLimit, checkTotalSize } from './size-limits.ts'

/** One transformer block. Blocks may differ in size, because each can grow on its own. */
export interface BlockConfig {
  /** Stable name within the model, for example `b3`. Parameter paths use it, so inserting a block renames nothing. */
  readonly id: string
  readonly mlpHidden: number
  /** Query heads, a multiple of `kvHeads`. */
  readonly heads: number
  /** Heads of keys and values, each shared by `heads / kvHeads` neighbouring query heads (Ainslie et al. 2023). */
  readonly kvHeads: number
  /** Width of one head, D. */
  readonly headDim: number
  /** Attention scores are divided by the root of this: the width that the heads were born with, `headDim` unless given. */
  readonly scoreWidth?: number
  /**
   * With rotary positions: radians per position by which each pair of channels (i, i + D/2) is turned, D/2 numbers. They belong to the
   * pairs and not to D, so that a head can become wider without turning its old pairs otherwise.
   */
  readonly frequencies?: readonly number[]
  /** A low-rank adapter beside each linear map of the block; none unless given. */
  readonly adapter?: AdapterConfig
  /**
   * Where the MLP is several experts, one number for each, above 0: expert i is weighted by gate i = share i · e^(logit i), divided by the
   * sum of these over all experts. Equal shares at first; a split expert shares its own out. One plain MLP unless given.
   */
  readonly expertShares?: readonly number[]
}

/** Beside a linear map y = x·W + b: y + scale·(x·A)·B with A `[in, rank]` and B `[rank, out]` (Hu et al. 2022, section 4.1). */
export interface AdapterConfig {
  readonly rank: number
  /** α/rank in the paper. It stays when the rank grows from r to r′, which is to carry α along as α·r′/r. Finite, not 0. */
  readonly scale: number
}

/** Every size of a model, block by block. */
export interface GptConfig {
  /** Number of tokens, V. */
  readonly vocabulary: number
  /** Longest sequence, in tokens. */
  readonly context: number
  /** Width of the residual stream, C. */
  readonly embed: number
  readonly norm: 'layer' | 'rms'
  /**
   * The width that norms divide by: the one the model was born with, `embed` unless given. So they return the same when the residual
   * stream has become wider and the new channels are still empty.
   */
  readonly normWidth?: number
  /** Whether each token's logit has a bias; a grown vocabulary has. False unless given. */
  readonly headBias?: boolean
  /**
   * Added to the logit of each token beside its bias, V numbers in nats: what growth of the vocabulary has set, apart from what was learnt
   * since. 0 unless given.
   */
  readonly logitOffsets?: readonly number[]
  /** `learned` embeddings of each position, or `rotary`: queries and keys are turned by it (Su et al. 2021). */
  readonly positions: 'learned' | 'rotary'
  /** Of the MLPs: `gelu`, or `swiglu`, where a second projection gates the first (Shazeer 2020). */
  readonly activation: 'gelu' | 'swiglu'
  /** From the input to the output. */
  readonly blocks: readonly BlockConfig[]
  /** The number that the next inserted block will be named after. */
  readonly nextBlock: number
}

/** A configuration, as functions check it that are given one. */
export const aConfig: Check<GptConfig> = checks.role('a configuration of gptConfig', 'vocabulary', 'blocks')

/** The sizes of a model with equal blocks, for `gptConfig`. */
export interface GptSizes {
  /** 256 (bytes) unless given. */
  readonly vocabulary?: number
  readonly context: number
  readonly embed: number
  readonly heads: number
  /** Heads of keys and values; must divide `heads`, which it is unless given. */
  readonly kvHeads?: number
  /** embed / heads unless given. Even with rotary positions. */
  readonly headDim?: number
  readonly layers: number
  /** 4 · embed unless given; with `swiglu`, whose MLP has a third matrix, 8/3 · embed, rounded up to a multiple of 8. */
  readonly mlpHidden?: number
  /** `rms` unless given: a residual stream under RMSNorm can be widened exactly. */
  readonly norm?: GptConfig['norm']
  /** `learned` unless given. */
  readonly positions?: GptConfig['positions']
  /** `gelu` unless given. */
  readonly activation?: GptConfig['activation']
}

const aSize = checks.integer({ from: 1 })

/** Of every size of `GptSizes`. */
export const sizeChecks: ChecksOf<GptSizes> = {
  vocabulary: aSize,
  context: checks.required(aSize),
  embed: checks.required(aSize),
  heads: checks.required(aSize),
  kvHeads: aSize,
  headDim: aSize,
  layers: checks.required(aSize),
  mlpHidden: aSize,
  norm: checks.oneOf('layer', 'rms'),
  positions: checks.oneOf('learned', 'rotary'),
  activation: checks.oneOf('gelu', 'swiglu'),
}

/**
 * A configuration with equal blocks.
 *
 * @throws OptionError unless every size is a positive integer, `heads` divides `embed` where `headDim` is not given, `kvHeads` divides
 *   `heads`, and `headDim` is even with rotary positions.
 */
export function gptConfig(sizes: GptSizes): GptConfig {
  checkOptions('gptConfig', sizes, sizeChecks)
  const { vocabulary = 256, context, embed, heads, layers } = sizes
  const { norm = 'rms', positions = 'learned', activation = 'gelu' } = sizes
  const { kvHeads = heads, headDim = embed / heads, mlpHidden = usualHidden(embed, activation) } = sizes
  if (!Number.isSafeInteger(headDim)) {
    throw new OptionError(
      `gptConfig: got headDim ${headDim}; expected a positive integer. Make heads divide embed, or give headDim.`,
    )
  }
  for (const [name, size] of Object.entries({
    vocabulary,
    context,
    embed,
    heads,
    kvHeads,
    headDim,
    mlpHidden,
    blocks: layers,
  }))
    checkLimit('gptConfig', name, size)
  if (heads % kvHeads !== 0) {
    throw new OptionError(
      `gptConfig: got kvHeads ${kvHeads} for ${heads} heads; expected a divisor of heads.`,
    )
  }
  if (positions === 'rotary' && headDim % 2 !== 0) {
    throw new OptionError(`gptConfig: got headDim ${headDim} with rotary positions; expected an even number.`)
  }
  const block = { mlpHidden, heads, kvHeads, headDim, ...(positions === 'rotary' && rotary(headDim)) }
  const blocks = Array.from({ length: layers }, (_, i) => ({ id: `b${i}`, ...block }))
  const config = { vocabulary, context, embed, norm, positions, activation, blocks, nextBlock: layers }
  checkTotalSize('gptConfig', config)
  return config
}

const usualHidden = (embed: number, activation: GptConfig['activation']): number =>
  activation === 'gelu' ? 4 * embed : 8 * Math.ceil(embed / 3)

/** 10000^(−2i/D) for pair i (Su et al. 2021, section 3.2.2). */
function rotary(headDim: number): Pick<Required<BlockConfig>, 'frequencies'> {
  return { frequencies: Array.from({ length: headDim / 2 }, (_, i) => 10_000 ** ((-2 * i) / headDim)) }
}

/** A configuration as earlier versions saved it: heads of one size for all blocks, and no choices. */
interface EarlierConfig extends Partial<Omit<GptConfig, 'blocks'>> {
  readonly heads?: number
  readonly headDim?: number
  readonly blocks?: readonly Partial<BlockConfig>[]
}

/**
 * A saved configuration in the present form, its entries in one order.
 *
 * @throws OptionError if it is none.
 */
export function configFromState(saved: GptConfig): GptConfig {
  checkIsConfig(saved)
  const { vocabulary, context, embed, norm, normWidth, headBias, logitOffsets, nextBlock, ...rest } =
    saved as GptConfig & EarlierConfig
  const { positions = 'learned', activation = 'gelu' } = rest as EarlierConfig
  const blocks = ((rest.blocks ?? []) as readonly BlockConfig[]).map((block): BlockConfig => {
    const { id, mlpHidden, scoreWidth, frequencies, adapter, expertShares } = block
    const { heads, headDim } = { ...rest, ...block } as BlockConfig
    const { kvHeads = heads } = block as Partial<BlockConfig>
    const given = {
      ...(scoreWidth !== undefined && { scoreWidth }),
      ...(frequencies && { frequencies }),
      ...(adapter && { adapter: { rank: adapter.rank, scale: adapter.scale } }),
      ...(expertShares && { expertShares }),
    }
    return { id, mlpHidden, heads, kvHeads, headDim, ...given }
  })
  const given = {
    ...(normWidth !== undefined && { normWidth }),
    ...(headBias && { headBias }),
    ...(logitOffsets && { logitOffsets }),
  }
  const config = { vocabulary, context, embed, norm, ...given, positions, activation, blocks, nextBlock }
  checkConfig(config)
  return config
}

/** Whether two configurations are of the same sizes, in whatever form they were saved. */
export function isSameConfig(a: GptConfig, b: GptConfig): boolean {
  return a === b || JSON.stringify(configFromState(a)) === JSON.stringify(configFromState(b))
}
