/**
 * The configuration of a GPT: every size, block by block. Plain data: it is written into every checkpoint.
 */
import { type Check, checks, type PackedMatmulOptions } from '@burgeon/tensor'

/** One transformer block. Blocks may differ in size, because each can grow on its own. */
export interface BlockConfig {
  /**
   * Stable name within the model, for example `b3`. Parameter paths use it, so inserting a block renames
   * nothing.
   */
  readonly id: string
  readonly mlpHidden: number
  /** Query heads, a multiple of `kvHeads`. */
  readonly heads: number
  /**
   * Heads of keys and values, each shared by `heads / kvHeads` neighboring query heads (Ainslie et al. 2023).
   */
  readonly kvHeads: number
  /** Width of one head, D. */
  readonly headDim: number
  /**
   * Attention scores are divided by the root of this: the width that the heads were born with, `headDim`
   * unless given. Any number above 0: a factor f on queries and keys is a width of D/f⁴.
   */
  readonly scoreWidth?: number
  /**
   * Norms of queries and keys divide by this: the width that the heads were born with, `headDim` unless
   * given. Only where there are such norms.
   */
  readonly headNormWidth?: number
  /**
   * How many keys a query sees, its own and those right before it (sliding window, Beltagy et al. 2020,
   * section 3.1); all of them unless given.
   */
  readonly window?: number
  /**
   * With rotary positions: radians per position by which each pair of channels (i, i + D/2) is rotated, D/2
   * numbers. They belong to the pairs and not to D, so that a head can become wider without rotating its old
   * pairs otherwise.
   */
  readonly frequencies?: readonly number[]
  /** A low-rank adapter beside each linear map of the block; none unless given. */
  readonly adapter?: AdapterConfig
  /**
   * Shares of the experts where the MLP is several, one number for each, above 0: expert i is weighted by
   * gate i = share i · e^(logit i), divided by the sum of these over all experts. Equal shares at first; a
   * split expert shares its own out. One plain MLP unless given.
   */
  readonly expertShares?: readonly number[]
  /**
   * How the weights of its linear maps are packed, in a model that `quantized` has made; not unless given.
   */
  readonly packed?: PackedMatmulOptions
}

/**
 * Beside a linear map y = x·W + b: y + scale·(x·A)·B with A `[in, rank]` and B `[rank, out]` (Hu et al. 2022,
 * section 4.1).
 */
export interface AdapterConfig {
  readonly rank: number
  /**
   * α/rank in the paper. It stays when the rank grows from r to r′, which is to carry α along as α·r′/r.
   * Finite, not 0.
   */
  readonly scale: number
}

/**
 * A kind of linear map in every block: `qkv` (query, key and value), `output` (of the attention) and `mlp`
 * (gate, up and down).
 */
export type LinearMapKind = 'qkv' | 'output' | 'mlp'

/** JSON of the folder in the form of Hugging Face that a model was read from, to be written back. */
export interface PretrainedSource {
  /** `config.json`. */
  readonly config: Readonly<Record<string, unknown>>
  /** `generation_config.json`. */
  readonly generation?: Readonly<Record<string, unknown>>
}

/** A sense that is not text: how many bytes make a patch, and where patches lie. */
export interface SenseConfig {
  /** What it is called, such as codec and size of its pieces: `grey/1 28×28`. */
  readonly name: string
  /** The token before a piece: what follows are its bytes. It is only read, and never predicted. */
  readonly token: number
  /** Bytes of a patch that comes before all others; none unless given. */
  readonly header?: number
  /** Bytes of each patch of one frame, row by row: `rows · columns` numbers, 1 or more each. */
  readonly patches: readonly number[]
  readonly rows: number
  readonly columns: number
  /** Frames of a piece, after which text goes on. As many as there are unless given. */
  readonly frames?: number
  /** The token behind a piece of open length, where more follows it: one of every sense without `frames`. */
  readonly end?: number
}

/** The patch front: what reads several bytes at once, and what writes them one by one. */
export interface PatchConfig {
  /** Width of a byte inside a patch. */
  readonly byteEmbed: number
  /** Bytes of the largest patch, P. */
  readonly bytes: number
  /** Rows and columns of patches that have a position of their own. */
  readonly rows: number
  readonly columns: number
  /**
   * Width of what the local decoder is told of the patches beside the one that it writes; it sees nothing of
   * them unless given.
   */
  readonly beside?: number
  /**
   * In how many ways each byte of a patch is told of each byte of the patches beside it and of those before
   * it in its own; in none unless given.
   */
  readonly mixing?: number
  /** The local decoder: a model of the bytes of one patch, with P positions. */
  readonly local: GptConfig
  /** From the first to the last that was added, one at least. */
  readonly senses: readonly SenseConfig[]
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
   * The width that norms divide by: the one the model was born with, `embed` unless given. So they return the
   * same when the residual stream has become wider and the new channels are still empty.
   */
  readonly normWidth?: number
  /** Added to the mean square or the variance in every norm, above 0; 1e-5 unless given. */
  readonly epsilon?: number
  /** The linear maps that have biases; all of them unless given. Routers always have. */
  readonly biases?: readonly LinearMapKind[]
  /**
   * Whether the head has a matrix of its own, `head.weight`, and does not read the token embedding. False
   * unless given.
   */
  readonly untiedHead?: boolean
  /**
   * Whether every head normalizes its queries and keys: RMSNorm over D with one gain for all heads, before
   * rotation (Henry et al. 2020). False unless given.
   */
  readonly queryKeyNorm?: boolean
  /** Whether each token's logit has a bias; a grown vocabulary has. False unless given. */
  readonly headBias?: boolean
  /**
   * Added to the logit of each token beside its bias, V numbers in nats: what growth of the vocabulary has
   * set, apart from what was learnt since. 0 unless given.
   */
  readonly logitOffsets?: readonly number[]
  /**
   * `learned` embeddings of each position, or `rotary`: queries and keys are rotated by it (Su et al. 2021).
   */
  readonly positions: 'learned' | 'rotary'
  /**
   * Activation of the MLPs: `gelu` in the tanh form, `geluErf` in the exact form x·Φ(x), or `swiglu`, where a
   * second projection gates the first (Shazeer 2020).
   */
  readonly activation: 'gelu' | 'geluErf' | 'swiglu'
  /** From the input to the output. */
  readonly blocks: readonly BlockConfig[]
  /** The number that the next inserted block will be named after. */
  readonly nextBlock: number
  /**
   * How the token embedding and the head are packed, in a model that `quantized` has made; not unless given.
   */
  readonly packed?: PackedMatmulOptions
  /** How it reads senses that are not text; none unless given. */
  readonly patches?: PatchConfig
  /** What it was read from, of a pretrained model. */
  readonly pretrained?: PretrainedSource
}

/** A configuration, as functions check it that are given one. */
export const aConfig: Check<GptConfig> = checks.role('a configuration of gptConfig', 'vocabulary', 'blocks')

/** Whether linear maps of a kind have biases. */
export function hasBias({ biases }: GptConfig, kind: LinearMapKind): boolean {
  return biases === undefined || biases.includes(kind)
}
