/** The sizes of a new GPT with equal blocks, and its configuration. */
import { checkOptions, type ChecksOf, checks, OptionError } from '@burgeon/tensor'
import type { BlockConfig, GptConfig, LinearMapKind } from './gpt-config.ts'
import { checkLimit, checkTotalSize } from './size-limits.ts'

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
  /**
   * 4 · embed unless given; with `swiglu`, whose MLP has a third matrix, 8/3 · embed, rounded up to a
   * multiple of 8.
   */
  readonly mlpHidden?: number
  /** `rms` unless given: a residual stream under RMSNorm can be widened exactly. */
  readonly norm?: GptConfig['norm']
  /** `learned` unless given. */
  readonly positions?: GptConfig['positions']
  /** `gelu` unless given. */
  readonly activation?: GptConfig['activation']
  /** Added in every norm, above 0; 1e-5 unless given. */
  readonly epsilon?: number
  /** The linear maps that have biases: some of `qkv`, `output`, `mlp`, each once; all unless given. */
  readonly biases?: readonly LinearMapKind[]
  /** Whether the head has a matrix of its own; false unless given. */
  readonly untiedHead?: boolean
  /** Whether heads normalize queries and keys; false unless given. */
  readonly queryKeyNorm?: boolean
  /** How many keys a query sees, its own among them; all unless given. */
  readonly window?: number
}

const aSize = checks.integer({ from: 1 })

/** Checks of all sizes in `GptSizes`. */
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
  activation: checks.oneOf('gelu', 'geluErf', 'swiglu'),
  epsilon: checks.number({ above: 0 }),
  biases: {
    expected: "some of 'qkv', 'output', 'mlp', each once",
    accepts: (value): value is readonly LinearMapKind[] =>
      Array.isArray(value) &&
      value.every((kind) => ['qkv', 'output', 'mlp'].includes(kind as string)) &&
      new Set(value).size === value.length,
  },
  untiedHead: checks.boolean,
  queryKeyNorm: checks.boolean,
  window: aSize,
}

/**
 * A configuration with equal blocks.
 *
 * @throws OptionError unless every size is a positive integer, `heads` divides `embed` where `headDim` is not
 *   given, `kvHeads` divides `heads`, and `headDim` is even with rotary positions.
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
  const { epsilon, biases, untiedHead, queryKeyNorm, window } = sizes
  const block = {
    ...{ mlpHidden, heads, kvHeads, headDim },
    ...(window !== undefined && { window }),
    ...(positions === 'rotary' && rotary(headDim)),
  }
  const blocks = Array.from({ length: layers }, (_, i) => ({ id: `b${i}`, ...block }))
  const choices = {
    ...(epsilon !== undefined && { epsilon }),
    ...(biases !== undefined && { biases }),
    ...(untiedHead && { untiedHead }),
    ...(queryKeyNorm && { queryKeyNorm }),
  }
  const config = {
    ...{ vocabulary, context, embed, norm, ...choices },
    ...{ positions, activation, blocks, nextBlock: layers },
  }
  checkTotalSize('gptConfig', config)
  return config
}

const usualHidden = (embed: number, activation: GptConfig['activation']): number =>
  activation === 'swiglu' ? 8 * Math.ceil(embed / 3) : 4 * embed

/** 10000^(−2i/D) for pair i (Su et al. 2021, section 3.2.2). */
function rotary(headDim: number): Pick<Required<BlockConfig>, 'frequencies'> {
  return { frequencies: Array.from({ length: headDim / 2 }, (_, i) => 10_000 ** ((-2 * i) / headDim)) }
}
