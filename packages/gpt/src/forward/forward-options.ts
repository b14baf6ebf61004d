/** What a forward pass is given, and its checks. */
import {
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
}

/**
 * The tensors that `observe` is shown: the input of an MLP (normalized, [B·T, C]), its hidden units [B·T,
 * M] (of all experts side by side), its output [B·T, C]; and the residual stream above each block,
 * `output` [B·T, C].
 */
export type ObservedActivation = 'mlpInput' | 'mlpHidden' | 'mlpOutput' | 'output'

/**
 * Throws OptionError or ShapeError for what no forward pass can be made of.
 *
 * @param who What messages begin with.
 */
export function checkForward(who: string, config: GptConfig, w: TensorsByPath, tokens: Tensor): void {
  checkArgument(who, 'config', config, aConfig)
  checkArgument(who, 'w', w, checks.tensorsByPath)
  if (!Object.hasOwn(w, 'embed.token.weight')) {
    throw new OptionError(`${who}: got w without embed.token.weight; expected all parameters of the model.`)
  }
  checkArgument(who, 'tokens', tokens, checks.tensor)
  if (tokens.dtype !== 'i32' || tokens.shape.length !== 2) {
    throw new ShapeError(
      `${who}: got tokens ${tokens.dtype}${formatShape(tokens.shape)}; expected i32 [B, T].`,
    )
  }
}

/** Options of `losses`: it reads every position, and remembers nothing. */
export type LossOptions = Omit<ForwardOptions, 'cache' | 'lastOnly'>

const aConfig = checks.role<GptConfig>('a configuration of gptConfig', 'vocabulary', 'context', 'blocks')

const aCache = checks.instance('a KeyValueCache', KeyValueCache)

/** Checks of `LossOptions`. */
export const lossChecks: ChecksOf<LossOptions> = {
  adapters: rowAdapters,
  checkpointBlocks: checks.boolean,
  observe: checks.callback(),
}

/** Checks of `ForwardOptions`. */
export const optionChecks: ChecksOf<ForwardOptions> = {
  ...lossChecks,
  cache: checks.either(aCache, checks.list('a list of them', aCache)),
  lastOnly: checks.boolean,
}
