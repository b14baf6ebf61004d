/** What a forward pass is given, and its checks. */
import {
  type Check,
  checkArgument,
  type ChecksOf,
  checks,
  formatShape,
  OptionError,
  ShapeError,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { type RowAdapters, rowAdapters } from '../adapters/applied-adapter.ts'
import type { GptConfig } from '../config/gpt-config.ts'
import { KeyValueCache } from './key-value-cache.ts'

/** Options of a forward pass. */
export interface ForwardOptions {
  /**
   * Keys and values of the tokens before these; the new ones are added to it. Of several caches each has the
   * rows of its own batch, in order, and may have read more or fewer tokens than the others.
   */
  readonly cache?: KeyValueCache | readonly KeyValueCache[]
  /**
   * Low-rank adapters beside the model: one for all rows, or one for each, null where the model reads a row
   * alone. None unless given.
   */
  readonly adapters?: RowAdapters
  /**
   * Whether the logits are computed after the last token of each sequence alone. False unless given. Of a
   * head of more than a megabyte a few of them may differ in the last bits from what they are among many.
   */
  readonly lastOnly?: boolean
  /**
   * A tape keeps only the input and output of each block, and computes the rest again on the way back
   * (`checkpoint`): a third more work for a fraction of the memory. Without effect where nothing is
   * recorded, or with a cache. False unless given.
   */
  readonly checkpointBlocks?: boolean
  /**
   * Is shown what flows inside each block, and must not change it. A block that is run again shows it again.
   */
  readonly observe?: (block: string, what: ObservedActivation, x: Tensor) => void
  /**
   * Puts a tensor of the same shape in the place of what flows inside: what it returns flows on, and is what
   * `observe` is shown; undefined leaves `x` there. A tape records what is made of it as of `x`. A block that
   * is run again asks again. ShapeError for another shape.
   */
  readonly replace?: (block: string, what: ObservedActivation, x: Tensor) => Tensor | undefined
}

/**
 * The tensors that `observe` and `replace` are shown. Before the blocks, of the block `embed`: the residual
 * stream below them, `embedded` [B·T, C]. In the attention of a block, in this order: `query` [B, T, H,
 * D] and
 * `key` [B, T, G, D] as they meet, rotated where positions are, `value` [B, T, G, D], what each head reads
 * out, `headOutput` [B, T, H, D], and what all write, `attended` [B·T, C]. In its MLP: the normalized input
 * `mlpInput` [B·T, C], the hidden units `mlpHidden` [B·T, M] (of all experts side by side), what it writes,
 * `mlpOutput` [B·T, C]. Above it the residual stream, `output` [B·T, C].
 */
export type ObservedActivation =
  | 'embedded'
  | 'query'
  | 'key'
  | 'value'
  | 'headOutput'
  | 'attended'
  | 'mlpInput'
  | 'mlpHidden'
  | 'mlpOutput'
  | 'output'

/**
 * Throws OptionError or ShapeError for what no forward pass can be made of.
 *
 * @param who What messages begin with.
 */
export function checkForward(who: string, config: GptConfig, w: TensorsByPath, tokens: Tensor): void {
  checkArgument(who, 'config', config, aConfig)
  checkWeights(who, w)
  checkArgument(who, 'tokens', tokens, checks.tensor)
  if (tokens.dtype !== 'i32' || tokens.shape.length !== 2) {
    throw new ShapeError(
      `${who}: got tokens ${tokens.dtype}${formatShape(tokens.shape)}; expected i32 [B, T].`,
    )
  }
}

/** Throws OptionError for what are not the parameters of a model. */
function checkWeights(who: string, w: TensorsByPath): void {
  checkArgument(who, 'w', w, checks.tensorsByPath)
  if (Object.hasOwn(w, 'embed.token.weight')) return
  throw new OptionError(`${who}: got w without embed.token.weight; expected all parameters of the model.`)
}

/** Options of `losses`: it reads every position, and remembers nothing. */
export type LossOptions = Omit<ForwardOptions, 'cache' | 'lastOnly'>

const aConfig = checks.role<GptConfig>('a configuration of gptConfig', 'vocabulary', 'context', 'blocks')

const aCache = checks.instance('a KeyValueCache', KeyValueCache)

/** Check of the caches of a pass. */
export const someCaches: Check<KeyValueCache | readonly KeyValueCache[]> = checks.either(
  aCache,
  checks.list('a list of them', aCache),
)

/** Checks of `LossOptions`. */
export const lossChecks: ChecksOf<LossOptions> = {
  adapters: rowAdapters,
  checkpointBlocks: checks.boolean,
  observe: checks.callback(),
  replace: checks.callback(),
}

/** Checks of `ForwardOptions`. */
export const optionChecks: ChecksOf<ForwardOptions> = {
  ...lossChecks,
  cache: someCaches,
  lastOnly: checks.boolean,
}
