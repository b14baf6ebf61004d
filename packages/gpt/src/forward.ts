/**
 * The whole forward pass of a GPT, pre-norm (Radford et al. 2019; Xiong et al. 2020), with tied embeddings.
 *
 * It runs the same taped or untaped, and never changes a weight.
 *
 * B batch, T tokens, C embed, H heads, D head size, M mlpHidden, V vocabulary, S room in the cache.
 */
import {
  add,
  assign,
  attention,
  checkpoint,
  crossEntropy,
  gather,
  gelu,
  layerNorm,
  linear,
  linearCrossEntropy,
  matmul,
  multiply,
  OptionError,
  reshape,
  rmsNorm,
  slice,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { BlockConfig, GptConfig } from './gpt-config.ts'
import type { KeyValueCache } from './key-value-cache.ts'

/** What a pass needs besides weights and tokens. */
export interface ForwardOptions {
  /** Keys and values of the tokens before these; the new ones are added to it. */
  readonly cache?: KeyValueCache
  /**
   * Of each block, a tape keeps only what goes in and out, and computes the rest again on the way back (`checkpoint`): a third more
   * work for a fraction of the memory. Without effect where nothing is recorded, or with a cache. False unless given.
   */
  readonly checkpointBlocks?: boolean
}

/**
 * Predicts the next token after every token.
 *
 * @param w The parameters by path.
 * @param tokens `i32 [B, T]`, each in [0, V).
 * @returns Logits, `f32 [B·T, V]`.
 * @throws OptionError if the sequence is longer than the context.
 */
export function forward(
  config: GptConfig,
  w: TensorsByPath,
  tokens: Tensor,
  options: ForwardOptions = {},
): Tensor {
  return matmul(features(config, w, tokens, options), w['embed.token.weight'], { transposeB: true }) // [B·T, V]
}

/** Added to the mean square or the variance in every norm. */
const epsilon = 1e-5

/** Logits beyond which they are not held all at once: 128 MiB. */
const manyLogits = 2 ** 25

/**
 * The loss of every prediction, in nats. Where logits would be very many they are made and used up piece by piece.
 *
 * @param targets `i32 [B·T]`: the next tokens; a negative one is not counted.
 * @returns `f32 [B·T]`.
 */
export function losses(
  config: GptConfig,
  w: TensorsByPath,
  tokens: Tensor,
  targets: Tensor,
  options: Omit<ForwardOptions, 'cache'> = {},
): Tensor {
  const areFew = targets.size * config.vocabulary <= manyLogits
  if (areFew) return crossEntropy(forward(config, w, tokens, options), targets)
  return linearCrossEntropy(features(config, w, tokens, options), w['embed.token.weight'], targets)
}

/** What the head sees of every token, `f32 [B·T, C]`. */
function features(config: GptConfig, w: TensorsByPath, tokens: Tensor, options: ForwardOptions): Tensor {
  const { cache } = options
  const [B, T] = tokens.shape as [number, number]
  const { embed: C, context } = config
  const past = cache?.length ?? 0
  if (past + T > context) {
    throw new OptionError(`forward: got ${past + T} tokens; expected at most the context, ${context}.`)
  }
  const positions = slice(w['embed.position.weight'], [past], [past + T]) // [T, C]
  let x = reshape(add(gather(w['embed.token.weight'], tokens), positions), [B * T, C])
  for (const block of config.blocks) {
    const before = x
    const through = (): Tensor => {
      const attended = add(before, selfAttention(config, w, block, before, [B, T], cache))
      return add(attended, mlp(config, w, block, attended))
    }
    x = options.checkpointBlocks && !cache ? checkpoint(through) : through()
  }
  if (cache) cache.length += T
  return normalise(config, w, 'head.norm', x)
}

function selfAttention(
  config: GptConfig,
  w: TensorsByPath,
  block: BlockConfig,
  x: Tensor, // [B·T, C]
  [B, T]: readonly [number, number],
  cache: KeyValueCache | undefined,
): Tensor {
  const { embed: C, heads: H, headDim: D } = config
  const at = `blocks.${block.id}.attention`
  const normal = normalise(config, w, `${at}.norm`, x) // [B·T, C]
  const project = (name: string): Tensor => {
    const [weight, bias] = [w[`${at}.${name}.weight`], w[`${at}.${name}.bias`]]
    return reshape(linear(normal, reshape(weight, [C, H * D]), reshape(bias, [H * D])), [B, T, H, D])
  }
  const [q, k, v] = [project('query'), project('key'), project('value')] // [B, T, H, D] each
  const o = cache ? attendCached(cache, block.id, q, k, v) : attention(q, k, v) // [B, T, H, D]
  const weight = reshape(w[`${at}.output.weight`], [H * D, C])
  return linear(reshape(o, [B * T, H * D]), weight, w[`${at}.output.bias`]) // [B·T, C]
}

function attendCached(cache: KeyValueCache, block: string, q: Tensor, k: Tensor, v: Tensor): Tensor {
  const { keys, values } = cache.of(block) // [B, S, H, D] each
  assign(keys, k, [0, cache.length, 0, 0])
  assign(values, v, [0, cache.length, 0, 0])
  return attention(q, keys, values, { keys: cache.length + q.shape[1] })
}

function mlp(config: GptConfig, w: TensorsByPath, block: BlockConfig, x: Tensor): Tensor {
  const at = `blocks.${block.id}.mlp`
  const normal = normalise(config, w, `${at}.norm`, x) // [B·T, C]
  const hidden = gelu(linear(normal, w[`${at}.up.weight`], w[`${at}.up.bias`])) // [B·T, M]
  return linear(hidden, w[`${at}.down.weight`], w[`${at}.down.bias`]) // [B·T, C]
}

/** With n the width the norm was born with and C the present one: √(n/C)·norm with ε·n/C is the norm that divides by n. */
function normalise(config: GptConfig, w: TensorsByPath, at: string, x: Tensor): Tensor {
  const share = (config.normWidth ?? config.embed) / config.embed
  const gain = share === 1 ? w[`${at}.gain`] : multiply(w[`${at}.gain`], Math.sqrt(share))
  return config.norm === 'layer'
    ? layerNorm(x, gain, w[`${at}.bias`], epsilon * share)
    : rmsNorm(x, gain, epsilon * share)
}
