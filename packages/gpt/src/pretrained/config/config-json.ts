/** From a configuration to the keys of `config.json`: those it was read with, brought up to date. */
import { shown } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import type { JsonObject } from './config-keys.ts'
import { isLlamaType, type LlamaType } from './llama-config.ts'
import { PretrainedError } from './pretrained-error.ts'

const architectures: Readonly<Record<LlamaType | 'gpt2', string>> = {
  gpt2: 'GPT2LMHeadModel',
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
  smollm3: 'SmolLM3ForCausalLM',
}

/** The types of numbers that a folder may hold, as `config.json` calls them. */
export type FileDtype = 'float32' | 'float16' | 'bfloat16'

/**
 * The keys of a model's class. What they cannot say, and whether they fit, is for others to look at.
 *
 * @param who What messages begin with.
 * @throws PretrainedError for choices that no class has.
 */
export function configJson(who: string, config: GptConfig, dtype: FileDtype = 'float32'): JsonObject {
  const before = config.pretrained?.config ?? {}
  const said = before['model_type']
  const type =
    typeof said === 'string' && (said === 'gpt2' || isLlamaType(said)) ? said : classOf(who, config)
  const { embed, normWidth = embed, epsilon = 1e-5 } = config
  const own = type === 'gpt2' ? gpt2Json(config) : llamaJson(config, type, before)
  const { torch_dtype: old, dtype: since5, ...others } = before
  return {
    ...others,
    ...(old === undefined && since5 !== undefined ? { dtype } : { torch_dtype: dtype }),
    architectures: [architectures[type]],
    model_type: type,
    vocab_size: config.vocabulary,
    tie_word_embeddings: config.untiedHead !== true,
    [type === 'gpt2' ? 'layer_norm_epsilon' : 'rms_norm_eps']:
      normWidth === embed ? epsilon : (epsilon * normWidth) / embed,
    ...own,
  }
}

/** The class of a model that was born here. */
function classOf(who: string, config: GptConfig): LlamaType | 'gpt2' {
  const { norm, positions, activation, queryKeyNorm, biases, blocks } = config
  const isLike = (...choices: readonly string[]): boolean =>
    [norm, positions, activation].join() === choices.join()
  if (isLike('layer', 'learned', 'gelu') || isLike('layer', 'learned', 'geluErf')) return 'gpt2'
  if (isLike('rms', 'rotary', 'swiglu')) {
    if (queryKeyNorm) return 'qwen3'
    return biases?.join() === 'qkv' || blocks.some(({ window }) => window !== undefined) ? 'qwen2' : 'llama'
  }
  throw new PretrainedError(
    `${who}: got ${shown(norm)}, ${shown(positions)} and ${shown(activation)}; expected layer, learned and gelu (GPT-2), ` +
      'or rms, rotary and swiglu (the Llama family).',
  )
}

function gpt2Json({ context, embed, activation, blocks }: GptConfig): JsonObject {
  const [{ heads, mlpHidden }] = blocks
  return {
    ...{ n_embd: embed, n_head: heads, n_layer: blocks.length, n_positions: context, n_inner: mlpHidden },
    activation_function: activation === 'gelu' ? 'gelu_new' : 'gelu',
  }
}

function llamaJson(config: GptConfig, type: LlamaType, before: JsonObject): JsonObject {
  const { context, embed, blocks, biases = ['qkv', 'output', 'mlp'] } = config
  const [{ heads, kvHeads, headDim, mlpHidden, frequencies = [] }] = blocks
  const windows = blocks.map(({ window }) => window).filter((window) => window !== undefined)
  const isWindowed = type === 'qwen2' || type === 'qwen3' || type === 'smollm3'
  const isNew = Object.keys(before).length === 0
  return {
    ...{ hidden_size: embed, num_hidden_layers: blocks.length, intermediate_size: mlpHidden },
    ...{ num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: headDim, hidden_act: 'silu' },
    max_position_embeddings: longest(context, before),
    ...(type !== 'qwen2' && type !== 'mistral' && { attention_bias: biases.includes('qkv') }),
    ...(type === 'llama' && { mlp_bias: biases.includes('mlp') }),
    ...(isNew && { rope_theta: thetaOf(frequencies, headDim) }),
    ...(type === 'mistral' && { sliding_window: windows[0] ?? null }),
    ...(isWindowed &&
      windows.length > 0 && {
        use_sliding_window: true,
        sliding_window: windows[0],
        layer_types: blocks.map(({ window }) =>
          window === undefined ? 'full_attention' : 'sliding_attention',
        ),
      }),
    ...(isWindowed &&
      windows.length === 0 &&
      Object.hasOwn(before, 'layer_types') && {
        layer_types: blocks.map(() => 'full_attention'),
      }),
    ...(type === 'smollm3' && {
      no_rope_layers: blocks.map(({ frequencies: own = [] }) => (own.some((f) => f !== 0) ? 1 : 0)),
    }),
  }
}

/** LongRoPE's context may be shorter here than the file says, and stays there what it was. */
function longest(context: number, before: JsonObject): unknown {
  const said = before['max_position_embeddings']
  const scaling = before['rope_parameters'] ?? before['rope_scaling']
  const isLong = JSON.stringify(scaling ?? {}).includes('long_factor')
  return isLong && typeof said === 'number' && said > context ? said : context
}

/** θ of unscaled frequencies θ^(−2i/D). */
function thetaOf(frequencies: readonly number[], headDim: number): number {
  const theta = frequencies.length > 1 ? frequencies[1] ** (-headDim / 2) : 10_000
  return Math.abs(theta - Math.round(theta)) < 1e-6 * theta ? Math.round(theta) : theta
}
