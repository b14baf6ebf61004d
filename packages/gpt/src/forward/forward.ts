/**
 * The whole forward pass of a GPT, pre-norm (Radford et al. 2019; Xiong et al. 2020).
 *
 * It runs the same taped or untaped, and never changes a weight.
 *
 * B batch, T tokens, C embed, H heads, G heads of keys and values, D head size, M mlpHidden, V vocabulary, S
 * room in the cache.
 */
import {
  add,
  checkArgument,
  checkOptions,
  checkpoint,
  checks,
  concatenate,
  crossEntropy,
  type Device,
  elementwise,
  expression,
  fill,
  gather,
  gelu,
  layerNorm,
  linearCrossEntropy,
  multiply,
  OptionError,
  reshape,
  rmsNorm,
  scope,
  slice,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { AdaptedRows } from '../adapters/applied-adapter.ts'
import type { BlockConfig, GptConfig } from '../config/gpt-config.ts'
import { attend, cachesOf, pastsOf } from './attend.ts'
import {
  checkForward,
  type ForwardOptions,
  lossChecks,
  type LossOptions,
  optionChecks,
} from './forward-options.ts'
import type { KeyValueCache } from './key-value-cache.ts'
import { linearMap } from './linear-map.ts'
import { mixedExperts } from './mixed-experts.ts'
import { embeddedTokens, headProduct, headWeight } from './token-table.ts'
import { expertPaths } from '../config/parameters.ts'
import { applyRotary, type RotaryTables, rotaryTablesOf } from './rotary.ts'

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
  return logitsOf(config, w, features(config, w, tokens, options)) // [B·T, V]
}

function logitsOf(config: GptConfig, w: TensorsByPath, x: Tensor): Tensor {
  const logits = headProduct(config, w, x)
  return config.headBias ? add(logits, logitBias(config, w, x.device)) : logits
}

/** The bias of the logits, `[V]`: learnt biases, and offsets that growth has set. */
function logitBias({ logitOffsets }: GptConfig, w: TensorsByPath, device: Device): Tensor {
  const learnt = w['head.bias']
  if (logitOffsets === undefined) return learnt
  return add(learnt, device.tensor(logitOffsets, { shape: [logitOffsets.length], dtype: 'f32' }, 'offsets'))
}

/** Added to the mean square or the variance in every norm, unless the configuration says otherwise. */
const usualEpsilon = 1e-5

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
  const areFew = targets.size * config.vocabulary <= manyLogits
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
  const rotary = rotaryTablesOf(config, tokens.device, pasts, T)
  const adapted = options.adapters && new AdaptedRows(options.adapters, config, B)
  let x = reshape(placed, [B * T, C])
  config.blocks.forEach((block, i) => {
    const before = x
    const through = (): Tensor => {
      const attended = add(
        before,
        selfAttention(config, w, block, before, { B, T, rotary: rotary[i], caches, adapted }),
      )
      return add(attended, mlp(config, w, block, attended, { adapted, observe: options.observe }))
    }
    x = options.checkpointBlocks && caches.length === 0 ? checkpoint(through) : through()
    options.observe?.(block.id, 'output', x)
  })
  for (const cache of caches) cache.length += T
  const read = options.lastOnly ? reshape(slice(reshape(x, [B, T, C]), [0, T - 1]), [B, C]) : x
  return normalize(config, w, 'head.norm', read)
}

/** Embeddings of the positions after `pasts`, `[T, C]`, or `[B, T, C]` where they differ. */
function positionsAt(position: Tensor, pasts: readonly number[], T: number): Tensor {
  if (pasts.length === 1) return slice(position, [pasts[0]], [pasts[0] + T])
  const at = pasts.flatMap((past) => Array.from({ length: T }, (_, t) => past + t))
  return gather(position, position.device.tensor(at, { shape: [pasts.length, T], dtype: 'i32' }, 'positions'))
}

/**
 * The place of a block in the pass: the batch, the rotary tables of its positions, the caches, and adapters.
 */
interface Place {
  readonly B: number
  readonly T: number
  readonly rotary: RotaryTables | undefined
  readonly caches: readonly KeyValueCache[]
  readonly adapted: AdaptedRows | undefined
}

function selfAttention(
  config: GptConfig,
  w: TensorsByPath,
  block: BlockConfig,
  x: Tensor, // [B·T, C]
  { B, T, rotary, caches, adapted }: Place,
): Tensor {
  const { id, heads: H, kvHeads: G, headDim: D, scoreWidth = D, headNormWidth = D, window } = block
  const { embed: C } = config
  const at = `blocks.${id}.attention`
  const normal = normalize(config, w, `${at}.norm`, x) // [B·T, C]
  const project = (name: string, N: number): Tensor =>
    reshape(linearMap(w, block, `${at}.${name}`, normal, N * D, adapted), [B, T, N, D])
  const ofUnitSize = (name: string, y: Tensor): Tensor =>
    config.queryKeyNorm ? normalizeBy(headNormWidth, config, w, `${at}.${name}.norm`, y) : y
  const place = (name: string, N: number): Tensor => {
    const y = ofUnitSize(name, project(name, N))
    return rotary ? applyRotary(y, rotary) : y
  }
  const qkv = [place('query', H), place('key', G), project('value', G)] // [B, T, H or G, D]
  const o = attend(caches, id, qkv, { scale: 1 / Math.sqrt(scoreWidth), window }) // [B, T, H, D]
  return linearMap(w, block, `${at}.output`, reshape(o, [B * T, H * D]), C, adapted) // [B·T, C]
}

function mlp(
  config: GptConfig,
  w: TensorsByPath,
  block: BlockConfig,
  x: Tensor,
  { adapted, observe }: Pick<Place, 'adapted'> & { readonly observe: ForwardOptions['observe'] },
): Tensor {
  const { id, mlpHidden } = block
  const normal = normalize(config, w, `blocks.${id}.mlp.norm`, x) // [B·T, C]
  const hiddens: Tensor[] = []
  const expert = (at: string): Tensor => {
    const project = (name: string): Tensor => linearMap(w, block, `${at}.${name}`, normal, mlpHidden, adapted) // [B·T, M]
    const hidden = activate(config.activation, project)
    hiddens.push(hidden)
    return linearMap(w, block, `${at}.down`, hidden, config.embed, adapted) // [B·T, C]
  }
  const outputs = expertPaths(block).map(expert)
  const written = outputs.length === 1 ? outputs[0] : mixedExperts(w, block, normal, outputs)
  observe?.(id, 'mlpInput', normal)
  observe?.(id, 'mlpHidden', hiddens.length === 1 ? hiddens[0] : concatenate(hiddens, 1))
  observe?.(id, 'mlpOutput', written)
  return written
}

/** The hidden units `[B·T, M]` of an MLP, from its projections by name. */
function activate(activation: GptConfig['activation'], project: (name: string) => Tensor): Tensor {
  if (activation === 'gelu') return gelu(project('up'))
  if (activation === 'geluErf') return elementwise(geluErf, [project('up')])
  return elementwise(gated, [project('gate'), project('up')])
}

const { constant, erf, input, multiply: times, sigmoid } = expression

/** silu(gate) · up, with silu(g) = g·σ(g). */
const gated = times(times(input(0), sigmoid(input(0))), input(1))

/** x·Φ(x), Φ(x) = (1 + erf(x/√2))/2 the normal distribution (Hendrycks & Gimpel 2016, section 2). */
const geluErf = times(
  times(constant(0.5), input(0)),
  expression.add(constant(1), erf(times(constant(Math.SQRT1_2), input(0)))),
)

/** The norm of the residual stream before a part of the model. */
function normalize(config: GptConfig, w: TensorsByPath, at: string, x: Tensor): Tensor {
  const { embed, normWidth = embed } = config
  return normalizeBy(normWidth, config, w, at, x)
}

/**
 * A norm that divides by n, the width it was born with. With C the present one, √(n/C)·norm with ε·n/C does
 * so where it subtracts the mean, to rounding; without that the sum of squares is divided by n itself, and
 * channels of zeros leave every bit of the others.
 */
function normalizeBy(n: number, config: GptConfig, w: TensorsByPath, at: string, x: Tensor): Tensor {
  const { norm, epsilon = usualEpsilon } = config
  const [gain, bias] = [w[`${at}.gain`], w[`${at}.bias`]]
  const share = n / gain.shape[0]
  if (norm !== 'layer' || bias === undefined) {
    return share === 1 ? rmsNorm(x, gain, epsilon) : rmsNorm(x, gain, epsilon, n)
  }
  const scaled = share === 1 ? gain : multiply(gain, Math.sqrt(share))
  return layerNorm(x, scaled, bias, epsilon * share)
}
