/** The keys of Llama and its kin: Mistral, Qwen2, Qwen3 and SmolLM3. */
import type { BlockConfig, GptConfig, LinearMapKind } from '../../config/gpt-config.ts'
import { sizeLimits } from '../../config/size-limits.ts'
import type { ConfigKeys } from './config-keys.ts'
import { rotaryScaling } from './rotary-scaling.ts'

/** What a class does where its file says nothing, and what no key says. */
interface LlamaClass {
  readonly vocabulary: number
  readonly embed: number
  readonly mlpHidden: number
  readonly layers: number
  readonly heads: number
  /** Where the key is absent; null always means as many as heads. */
  readonly kvHeads?: number
  readonly headDim?: number
  readonly context: number
  readonly theta: number
  readonly isTied: boolean
  /** Qwen2's query, key and value always have biases. */
  readonly hasBiases?: true
  readonly queryKeyNorm?: true
  /** `all` layers, or those that keys name. */
  readonly windows?: 'all' | 'some'
  readonly skipsRotation?: true
}

const classes: Readonly<Record<LlamaType, LlamaClass>> = {
  llama: {
    ...{ vocabulary: 32_000, embed: 4096, mlpHidden: 11_008, layers: 32, heads: 32 },
    ...{ context: 2048, theta: 10_000, isTied: false },
  },
  mistral: {
    ...{ vocabulary: 32_000, embed: 4096, mlpHidden: 14_336, layers: 32, heads: 32, kvHeads: 8 },
    ...{ context: 131_072, theta: 10_000, isTied: false, windows: 'all' },
  },
  qwen2: {
    ...{ vocabulary: 151_936, embed: 4096, mlpHidden: 22_016, layers: 32, heads: 32, kvHeads: 32 },
    ...{ context: 32_768, theta: 10_000, isTied: false, hasBiases: true, windows: 'some' },
  },
  qwen3: {
    ...{ vocabulary: 151_936, embed: 4096, mlpHidden: 22_016, layers: 32, heads: 32, kvHeads: 32 },
    ...{ headDim: 128, context: 32_768, theta: 10_000, isTied: false, queryKeyNorm: true, windows: 'some' },
  },
  smollm3: {
    ...{ vocabulary: 128_256, embed: 2048, mlpHidden: 11_008, layers: 36, heads: 16, kvHeads: 4 },
    ...{ context: 32_768, theta: 2_000_000, isTied: true, windows: 'some', skipsRotation: true },
  },
}

/** A `model_type` of the family. */
export type LlamaType = 'llama' | 'mistral' | 'qwen2' | 'qwen3' | 'smollm3'

/** Every `model_type` of the family. */
export const llamaTypes: readonly LlamaType[] = Object.keys(classes) as LlamaType[]

export const isLlamaType = (type: string): type is LlamaType => Object.hasOwn(classes, type)

/** The configuration that the keys of one of the family mean. */
export function llamaConfig(keys: ConfigKeys, type: LlamaType): GptConfig {
  const own = classes[type]
  const embed = keys.size('hidden_size', own.embed, sizeLimits.embed)
  const heads = keys.size('num_attention_heads', own.heads, sizeLimits.heads)
  const layers = keys.size('num_hidden_layers', own.layers, sizeLimits.blocks)
  const isNull = keys.get('num_key_value_heads') === null
  const kvHeads = keys.size('num_key_value_heads', isNull ? heads : (own.kvHeads ?? heads))
  const headDim = keys.size('head_dim', own.headDim ?? embed / heads, sizeLimits.headDim)
  const activation = keys.text('hidden_act', 'silu')
  if (activation !== 'silu' && activation !== 'swish')
    keys.refuse('hidden_act', 'silu, or swish, its other name')
  const context = keys.size('max_position_embeddings', own.context)
  const { windows, types } = windowsOf(keys, own, layers)
  const rotated = rotatedLayers(keys, own, layers)
  const scaling = new Map(
    [...new Set(types)].map((layer) => [layer, rotaryScaling(keys, headDim, context, own.theta, layer)]),
  )
  const rotations = types.flatMap((layer) => scaling.get(layer) ?? [])
  const unrotated = Array.from({ length: headDim / 2 }, () => 0)
  const blocks = rotations.map(({ frequencies, attentionFactor }, i): BlockConfig => {
    const [isRotated, window] = [rotated[i], windows[i]]
    return {
      ...{ id: `b${i}`, mlpHidden: keys.size('intermediate_size', own.mlpHidden), heads, kvHeads, headDim },
      // A factor f on queries and keys multiplies scores by f².
      ...(isRotated && attentionFactor !== 1 && { scoreWidth: headDim / attentionFactor ** 4 }),
      ...(window !== undefined && { window }),
      frequencies: isRotated ? frequencies : unrotated,
    }
  })
  return {
    vocabulary: keys.size('vocab_size', own.vocabulary),
    context: rotations.reduce((least, { context: own }) => Math.min(least, own), context),
    embed,
    norm: 'rms',
    epsilon: keys.positive('rms_norm_eps', 1e-6),
    biases: biasesOf(keys, own),
    ...(!keys.boolean('tie_word_embeddings', own.isTied) && { untiedHead: true }),
    ...(own.queryKeyNorm && { queryKeyNorm: true }),
    positions: 'rotary',
    activation: 'swiglu',
    blocks,
    nextBlock: layers,
  }
}

function biasesOf(keys: ConfigKeys, { hasBiases }: LlamaClass): LinearMapKind[] {
  if (hasBiases) return ['qkv']
  const inAttention = keys.boolean('attention_bias', false)
  return [
    ...(inAttention ? (['qkv', 'output'] as const) : []),
    ...(keys.boolean('mlp_bias', false) ? (['mlp'] as const) : []),
  ]
}

type LayerType = 'full_attention' | 'sliding_attention'
const isLayerType = (value: unknown): value is LayerType =>
  value === 'full_attention' || value === 'sliding_attention'

/** The window of each layer, and what kind of attention that makes it. */
function windowsOf(
  keys: ConfigKeys,
  own: LlamaClass,
  layers: number,
): { windows: readonly (number | undefined)[]; types: readonly LayerType[] } {
  const given = keys.perLayer('layer_types', layers, isLayerType, 'full_attention or sliding_attention')
  const isAbsent = keys.get('sliding_window') === undefined
  const size = keys.has('sliding_window') ? keys.size('sliding_window', 1) : isAbsent ? 4096 : undefined
  const sliding = (types: readonly LayerType[]): ReturnType<typeof windowsOf> => {
    const isSliding = types.includes('sliding_attention')
    if (isSliding && size === undefined) keys.refuse('sliding_window', 'an integer, as layer_types says')
    return { types, windows: types.map((type) => (type === 'sliding_attention' ? size : undefined)) }
  }
  const all = (type: LayerType): LayerType[] => Array.from({ length: layers }, () => type)
  if (own.windows === 'some') {
    const isUsed = keys.boolean('use_sliding_window', false) && size !== undefined
    const first = keys.has('max_window_layers') ? Number(keys.get('max_window_layers')) : 28
    if (!Number.isSafeInteger(first) || first < 0) keys.refuse('max_window_layers', 'an integer from 0')
    const usual = all('full_attention').map((full, i) => (isUsed && i >= first ? 'sliding_attention' : full))
    if (given?.includes('sliding_attention') && !isUsed) {
      keys.refuse('use_sliding_window', 'true, since layer_types has sliding_attention')
    }
    return sliding(given ?? usual)
  }
  if (own.windows === 'all' && size !== undefined) return sliding(given ?? all('sliding_attention'))
  if (given?.includes('sliding_attention')) keys.refuse('layer_types', 'full_attention alone in this class')
  return sliding(all('full_attention'))
}

/** Which layers rotate queries and keys: all, but for SmolLM3. */
function rotatedLayers(keys: ConfigKeys, { skipsRotation }: LlamaClass, layers: number): boolean[] {
  if (!skipsRotation) return Array.from({ length: layers }, () => true)
  const isFlag = (value: unknown): value is 0 | 1 => value === 0 || value === 1
  const given = keys.perLayer('no_rope_layers', layers, isFlag, '1 (rotated) or 0')
  const interval = keys.size('no_rope_layer_interval', 4)
  return Array.from({ length: layers }, (_, i) => (given ? given[i] === 1 : (i + 1) % interval !== 0))
}
