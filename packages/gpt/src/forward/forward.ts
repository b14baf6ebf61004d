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
  elementwise,
  expression,
  fill,
  gather,
  gelu,
  linearCrossEntropy,
  OptionError,
  reshape,
  scope,
  slice,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { AdaptedRows } from '../adapters/applied-adapter.ts'
import type { BlockConfig, GptConfig } from '../config/gpt-config.ts'
import { expertPaths } from '../config/parameters.ts'
import { attend, cachesOf, pastsOf } from './attend.ts'
import { flowing, type Onlookers } from './flowing.ts'
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
import { normalize, normalizeBy } from './norms.ts'
import { featuresOf, logitBias, logitsOf } from './readout.ts'
import { embeddedTokens, headWeight } from './token-table.ts'
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
  let x = flowing(options, 'embed', 'embedded', reshape(placed, [B * T, C]))
  config.blocks.forEach((block, i) => {
    const before = x
    const through = (): Tensor => {
      const place = { B, T, rotary: rotary[i], caches, adapted, onlookers: options }
      const attended = add(before, selfAttention(config, w, block, before, place))
      return add(attended, mlp(config, w, block, attended, place))
    }
    const above = options.checkpointBlocks && caches.length === 0 ? checkpoint(through) : through()
    x = flowing(options, block.id, 'output', above)
  })
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

/**
 * The place of a block in the pass: the batch, the rotary tables of its positions, the caches, adapters, and
 * who looks on.
 */
interface Place {
  readonly B: number
  readonly T: number
  readonly rotary: RotaryTables | undefined
  readonly caches: readonly KeyValueCache[]
  readonly adapted: AdaptedRows | undefined
  readonly onlookers: Onlookers
}

function selfAttention(
  config: GptConfig,
  w: TensorsByPath,
  block: BlockConfig,
  x: Tensor, // [B·T, C]
  { B, T, rotary, caches, adapted, onlookers }: Place,
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
  const shown = (what: 'query' | 'key' | 'value' | 'headOutput', y: Tensor): Tensor =>
    flowing(onlookers, id, what, y)
  // [B, T, H or G, D]
  const qkv = [
    shown('query', place('query', H)),
    shown('key', place('key', G)),
    shown('value', project('value', G)),
  ]
  const o = shown('headOutput', attend(caches, id, qkv, { scale: 1 / Math.sqrt(scoreWidth), window })) // [B, T, H, D]
  const written = linearMap(w, block, `${at}.output`, reshape(o, [B * T, H * D]), C, adapted) // [B·T, C]
  return flowing(onlookers, id, 'attended', written)
}

function mlp(
  config: GptConfig,
  w: TensorsByPath,
  block: BlockConfig,
  x: Tensor,
  { adapted, onlookers }: Pick<Place, 'adapted' | 'onlookers'>,
): Tensor {
  const { id, mlpHidden: M } = block
  const normal = flowing(onlookers, id, 'mlpInput', normalize(config, w, `blocks.${id}.mlp.norm`, x)) // [B·T, C]
  const experts = expertPaths(block)
  const computed = experts.map((at) =>
    activate(config.activation, (name) => linearMap(w, block, `${at}.${name}`, normal, M, adapted)),
  ) // [B·T, M] each
  const outputs = flowingHidden(onlookers, id, computed).map((hidden, i) =>
    linearMap(w, block, `${experts[i]}.down`, hidden, config.embed, adapted),
  ) // [B·T, C] each
  const written = outputs.length === 1 ? outputs[0] : mixedExperts(w, block, normal, outputs)
  return flowing(onlookers, id, 'mlpOutput', written)
}

/** The hidden units of every expert, which are shown side by side. */
function flowingHidden(onlookers: Onlookers, block: string, hiddens: readonly Tensor[]): readonly Tensor[] {
  if (hiddens.length === 1) return [flowing(onlookers, block, 'mlpHidden', hiddens[0])]
  if (onlookers.observe === undefined && onlookers.replace === undefined) return hiddens
  const together = concatenate(hiddens, 1)
  const flows = flowing(onlookers, block, 'mlpHidden', together)
  if (flows === together) return hiddens
  const [N, M] = hiddens[0].shape
  return hiddens.map((_, i) => slice(flows, [0, i * M], [N, (i + 1) * M]))
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
