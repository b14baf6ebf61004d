/** The sizes of a GPT. Plain data: it is written into every checkpoint. */
import { OptionError } from '@burgeon/tensor'

/** One transformer block. Blocks may differ in size, because each can grow on its own. */
export interface BlockConfig {
  /** Stable name within the model, for example `b3`. Parameter paths use it, so inserting a block renames nothing. */
  readonly id: string
  readonly mlpHidden: number
}

/** Every size of a model, block by block. */
export interface GptConfig {
  /** Number of tokens, V. */
  readonly vocabulary: number
  /** Longest sequence, in tokens. */
  readonly context: number
  /** Width of the residual stream, C. */
  readonly embed: number
  readonly heads: number
  /** Width of one head, D. */
  readonly headDim: number
  readonly norm: 'layer' | 'rms'
  /**
   * The width that norms divide by: the one the model was born with, `embed` unless given. So they answer the same when the residual
   * stream has become wider and the new channels are still empty.
   */
  readonly normWidth?: number
  /** From the input to the output. */
  readonly blocks: readonly BlockConfig[]
  /** The number that the next inserted block will be named after. */
  readonly nextBlock: number
}

/** The sizes of a model with equal blocks, for `gptConfig`. */
export interface GptSizes {
  /** 256 (bytes) unless given. */
  readonly vocabulary?: number
  readonly context: number
  readonly embed: number
  readonly heads: number
  /** embed / heads unless given. */
  readonly headDim?: number
  readonly layers: number
  /** 4 · embed unless given. */
  readonly mlpHidden?: number
  /** `rms` unless given: a residual stream under RMSNorm can be widened exactly. */
  readonly norm?: 'layer' | 'rms'
}

/**
 * A configuration with equal blocks.
 *
 * @throws OptionError unless every size is a positive integer and `heads` divides `embed` where `headDim` is not given.
 */
export function gptConfig(sizes: GptSizes): GptConfig {
  const { vocabulary = 256, context, embed, heads, layers, mlpHidden = 4 * embed, norm = 'rms' } = sizes
  const headDim = sizes.headDim ?? embed / heads
  const positive = { vocabulary, context, embed, heads, headDim, layers, mlpHidden }
  for (const [name, size] of Object.entries(positive)) {
    if (!Number.isSafeInteger(size) || size < 1) {
      const hint = name === 'headDim' ? ' Make heads divide embed, or give headDim.' : ''
      throw new OptionError(`gptConfig: got ${name} ${size}; expected a positive integer.${hint}`)
    }
  }
  const blocks = Array.from({ length: layers }, (_, i) => ({ id: `b${i}`, mlpHidden }))
  return { vocabulary, context, embed, heads, headDim, norm, blocks, nextBlock: layers }
}
