/**
 * The whole forward pass of a GPT, pre-norm (Radford et al. 2019; Xiong et al. 2020).
 *
 * It runs the same taped or untaped, and never changes a weight.
 *
 * B batch, T tokens, C embed, V vocabulary.
 */
import {
  add,
  checkArgument,
  checkOptions,
  checks,
  concatenate,
  crossEntropy,
  fill,
  gather,
  linearCrossEntropy,
  OptionError,
  reshape,
  scope,
  slice,
  type Tensor,
  type TensorsByPath,
  UnsupportedError,
} from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { hasSense } from '../patches/patch-layout.ts'
import { cachesOf, pastsOf } from './attend.ts'
import {
  checkForward,
  type ForwardOptions,
  lossChecks,
  type LossOptions,
  optionChecks,
} from './forward-options.ts'
import { patchedLogits, type PatchedConfig } from './patched.ts'
import { featuresOf, logitBias, logitsOf } from './readout.ts'
import { throughBlocks } from './residual-stream.ts'
import { embeddedTokens, headWeight } from './layers/token-table.ts'

/**
 * Predicts the next token after every token.
 *
 * @param w The parameters by path.
 * @param tokens `i32 [B, T]`, each in [0, V).
 * @returns Logits, `f32 [B·T, V]`; with `lastOnly` `f32 [B, V]`.
 * @throws OptionError if the sequence is longer than the context.
 */
export function forward(
  config: GptConfig,
  w: TensorsByPath,
  tokens: Tensor,
  options: ForwardOptions = {},
): Tensor {
  checkForward('forward', config, w, tokens)
  checkOptions('forward', options, optionChecks)
  const rows = patchedRows(config, tokens, options.cache !== undefined)
  if (rows !== null) {
    const { cache, ...others } = options
    const caches = cachesOf(cache)
    pastsOf(caches, config, rows.length)
    return patchedLogits(config as PatchedConfig, w, rows, { device: tokens.device, caches }, others)
  }
  return logitsOf(config, w, features(config, w, tokens, options)) // [B·T, V]
}

/**
 * The rows of a model with a patch front; null where they have no patches. With a cache they may have
 * begun before.
 */
function patchedRows(config: GptConfig, tokens: Tensor, isCached = false): number[][] | null {
  const { patches } = config
  if (patches === undefined) return null
  if (!tokens.device.readsAtOnce) {
    throw new UnsupportedError(
      `forward: got a model with a patch front on ${tokens.device.name}; expected a device on the CPU, where rows can be looked at.`,
    )
  }
  const [B, T] = tokens.shape as [number, number]
  const all = Array.from(tokens.readSync())
  if (!isCached && !hasSense(patches, all)) return null
  return Array.from({ length: B }, (_, b) => all.slice(b * T, (b + 1) * T))
}

/** Logits beyond which they are not held all at once: 128 MiB. */
const manyLogits = 2 ** 25

/**
 * The loss of every prediction, in nats. Where logits would be very many they are made and used up piece by
 * piece.
 *
 * @param targets `i32 [B·T]`: the next tokens; a negative one is not counted.
 * @returns `f32 [B·T]`.
 */
export function losses(
  config: GptConfig,
  w: TensorsByPath,
  tokens: Tensor,
  targets: Tensor,
  options: LossOptions = {},
): Tensor {
  checkForward('losses', config, w, tokens)
  checkOptions('losses', options, lossChecks)
  checkArgument('losses', 'targets', targets, checks.tensor)
  const areFew = targets.size * config.vocabulary <= manyLogits || patchedRows(config, tokens) !== null
  if (areFew) return crossEntropy(forward(config, w, tokens, options), targets)
  const [x, weight] = [features(config, w, tokens, options), headWeight(config, w)]
  if (config.packed) {
    const rows = Math.max(1, Math.floor(manyLogits / config.vocabulary))
    const pieces = Array.from({ length: Math.ceil(targets.size / rows) }, (_, i) => {
      const [from, to] = [i * rows, Math.min(targets.size, (i + 1) * rows)]
      return scope(() =>
        crossEntropy(logitsOf(config, w, slice(x, [from], [to])), slice(targets, [from], [to])),
      )
    })
    return concatenate(pieces)
  }
  if (!config.headBias) return linearCrossEntropy(x, weight, targets)
  // A bias is the weight of one more feature that is always 1.
  const always = fill(x.device, [targets.size, 1], 1)
  const biases = reshape(logitBias(config, w, tokens.device), [config.vocabulary, 1])
  return linearCrossEntropy(concatenate([x, always], 1), concatenate([weight, biases], 1), targets)
}

/** The features of every token that the head reads, `f32 [B·T, C]`; of the last ones alone, `f32 [B, C]`. */
function features(config: GptConfig, w: TensorsByPath, tokens: Tensor, options: ForwardOptions): Tensor {
  const [B, T] = tokens.shape as [number, number]
  const { embed: C, context } = config
  const caches = cachesOf(options.cache)
  const pasts = pastsOf(caches, config, B)
  const length = Math.max(...pasts) + T
  if (length > context) {
    throw new OptionError(`forward: got ${length} tokens; expected at most the context, ${context}.`)
  }
  for (const cache of caches) cache.reserve(cache.length + T)
  const embedded = embeddedTokens(config, w, tokens) // [B, T, C]
  const position = w['embed.position.weight'] // none with rotary positions
  const placed = position ? add(embedded, positionsAt(position, pasts, T)) : embedded
  const x = throughBlocks(config, w, reshape(placed, [B * T, C]), { B, T, caches, pasts }, options)
  for (const cache of caches) cache.length += T
  const read = options.lastOnly ? reshape(slice(reshape(x, [B, T, C]), [0, T - 1]), [B, C]) : x
  return featuresOf(config, w, read)
}

/** Embeddings of the positions after `pasts`, `[T, C]`, or `[B, T, C]` where they differ. */
function positionsAt(position: Tensor, pasts: readonly number[], T: number): Tensor {
  if (pasts.length === 1) return slice(position, [pasts[0]], [pasts[0] + T])
  const at = pasts.flatMap((past) => Array.from({ length: T }, (_, t) => past + t))
  return gather(position, position.device.tensor(at, { shape: [pasts.length, T], dtype: 'i32' }, 'positions'))
}
