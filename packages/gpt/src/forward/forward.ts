/**
 * The whole forward pass of a GPT, pre-norm (Radford et al. 2019; Xiong et al. 2020).
 *
 * It runs the same taped or untaped, and never changes a weight.
 *
 * B batch, T tokens, C embed, V vocabulary.
 */
import {
  checkArgument,
  checkOptions,
  checks,
  crossEntropy,
  reshape,
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
import { embeddedAt, placeOf, throughPlaced } from './parts.ts'
import { featuresOf, logitsOf, lossesOf } from './readout.ts'

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
  if (patchedRows(config, tokens) !== null) {
    return crossEntropy(forward(config, w, tokens, options), targets)
  }
  return lossesOf(config, w, features(config, w, tokens, options), targets)
}

/** The features of every token that the head reads, `f32 [B·T, C]`; of the last ones alone, `f32 [B, C]`. */
function features(config: GptConfig, w: TensorsByPath, tokens: Tensor, options: ForwardOptions): Tensor {
  const [B, T] = tokens.shape as [number, number]
  const { embed: C } = config
  const place = placeOf('forward', config, B, T, options.cache)
  const x = throughPlaced(config, w, embeddedAt(config, w, tokens, place), place, options)
  const read = options.lastOnly ? reshape(slice(reshape(x, [B, T, C]), [0, T - 1]), [B, C]) : x
  return featuresOf(config, w, read)
}
