/** From the keys and tensors of a GGUF file to the `config.json` of the same model. */
import { shown } from '@burgeon/tensor'
import type { GptConfig } from '../../../config/gpt-config.ts'
import { sizeLimits } from '../../../config/size-limits.ts'
import { configFromPretrained } from '../../config/config-from-pretrained.ts'
import type { JsonObject } from '../../config/config-keys.ts'
import { PretrainedError } from '../../config/pretrained-error.ts'
import { named } from '../format/gguf-cursor.ts'
import type { GgufHeader } from '../format/gguf-header.ts'
import { GgufKeys } from './gguf-keys.ts'
import { ropeScaling, type RotaryDivisors } from './gguf-rotation.ts'

/** The architectures that are read. */
export type GgufArchitecture = 'gpt2' | 'llama' | 'qwen2' | 'qwen3'

const architectures: readonly GgufArchitecture[] = ['gpt2', 'llama', 'qwen2', 'qwen3']

/** The architecture that a file names. Throws PretrainedError for others, adapters and parts of files. */
export function architectureOf({ metadata, place }: GgufHeader): GgufArchitecture {
  const [type, parts] = [metadata.get('general.type') ?? 'model', metadata.get('split.count') ?? 0]
  if (type !== 'model') {
    throw new PretrainedError(`${place}: got general.type ${shown(type)}; expected 'model'.`)
  }
  if (parts !== 0 && parts !== 1) {
    throw new PretrainedError(
      `${place}: got split.count ${shown(parts)}; expected a whole file. Join its parts first (gguf-split --merge).`,
    )
  }
  const name = metadata.get('general.architecture')
  const known = architectures.find((each) => each === name)
  if (known !== undefined) return known
  throw new PretrainedError(
    `${place}: got general.architecture ${shown(name)}; expected one of ${architectures.join(', ')}.`,
  )
}

/** What the tensors say beside the keys. */
export interface GgufFacts {
  /** Whether `output.weight` is there and not the embedding again. */
  readonly isUntied: boolean
  readonly divisors: RotaryDivisors
}

/**
 * The configuration of the model in a file.
 *
 * @throws PretrainedError for a key that cannot be represented, or sizes that the tensors do not have.
 */
export function ggufConfig(header: GgufHeader, facts: GgufFacts): GptConfig {
  const architecture = architectureOf(header)
  const keys = new GgufKeys(header, `${architecture}.`)
  const json = architecture === 'gpt2' ? gpt2Json(keys) : llamaJson(keys, architecture, facts)
  // What it costs is known by the tensors there are.
  keys.checkAllAsked()
  return configFromPretrained(header.place, { ...json, tie_word_embeddings: !facts.isUntied })
}

/** The rows of a tensor, and of one dimension its length. Throws PretrainedError where it is not there. */
function rowsOf({ tensors, place }: GgufHeader, name: string): number {
  const tensor = tensors.get(name)
  if (tensor !== undefined) return tensor.shape[0] ?? 1
  throw new PretrainedError(`${place}: got no tensor ${named(name)}; expected it in every model.`)
}

/** The sizes that all architectures have. */
function commonSizes(keys: GgufKeys): {
  readonly vocabulary: number
  readonly embed: number
  readonly heads: number
  readonly layers: number
  readonly context: number
} {
  const { header } = keys
  const vocabulary = rowsOf(header, 'token_embd.weight')
  const said = keys.get('vocab_size') ?? vocabulary
  if (said !== vocabulary) keys.refuse('vocab_size', `${vocabulary}, the rows of token_embd.weight`)
  const embed = keys.size('embedding_length', sizeLimits.embed)
  if (embed !== rowsOf(header, 'output_norm.weight')) {
    keys.refuse('embedding_length', `${rowsOf(header, 'output_norm.weight')}, as output_norm.weight has`)
  }
  const layers = keys.size('block_count', Math.min(sizeLimits.blocks, header.tensors.size))
  if ((keys.get('attention.causal') ?? true) !== true) keys.refuse('attention.causal', 'true')
  // How the numbers are permuted is up to the architecture here.
  keys.get('tensor_data_layout')
  const heads = keys.size('attention.head_count', Math.min(sizeLimits.heads, embed))
  return { vocabulary, embed, heads, layers, context: keys.size('context_length', sizeLimits.context) }
}

function gpt2Json(keys: GgufKeys): JsonObject {
  const { vocabulary, embed, heads, layers, context } = commonSizes(keys)
  if (keys.size('attention.head_count_kv', heads, heads) !== heads) {
    keys.refuse('attention.head_count_kv', `${heads}, as head_count says`)
  }
  return {
    ...{ model_type: 'gpt2', vocab_size: vocabulary, n_positions: context, n_embd: embed, n_layer: layers },
    ...{ n_head: heads, n_inner: hiddenOf(keys), activation_function: 'gelu_new' },
    layer_norm_epsilon: keys.positive('attention.layer_norm_epsilon'),
  }
}

function hiddenOf(keys: GgufKeys): number {
  const rows = rowsOf(keys.header, 'blk.0.ffn_up.weight')
  const hidden = keys.size('feed_forward_length', sizeLimits.mlpHidden)
  return hidden === rows
    ? hidden
    : keys.refuse('feed_forward_length', `${rows}, the rows of blk.0.ffn_up.weight`)
}

function llamaJson(
  keys: GgufKeys,
  architecture: 'llama' | 'qwen2' | 'qwen3',
  { divisors }: GgufFacts,
): JsonObject {
  const { header } = keys
  const { vocabulary, embed, heads, layers, context } = commonSizes(keys)
  const kvHeads = keys.size('attention.head_count_kv', heads, heads)
  const rows = rowsOf(header, 'blk.0.attn_q.weight')
  const headDim = keys.size('attention.key_length', sizeLimits.headDim, embed / heads)
  if (headDim * heads !== rows) {
    const key =
      keys.get('attention.key_length') === undefined ? 'attention.head_count' : 'attention.key_length'
    keys.refuse(key, `heads of ${rows} channels in all, the rows of blk.0.attn_q.weight`)
  }
  for (const key of ['attention.value_length', 'rope.dimension_count']) {
    if (keys.size(key, sizeLimits.headDim, headDim) !== headDim) {
      keys.refuse(key, `${headDim}, the width of a head`)
    }
  }
  const biased = (part: string): boolean => header.tensors.has(`blk.0.${part}.bias`)
  const [ofQueries, ofOutput] = [biased('attn_q'), biased('attn_output')]
  const windowed = (keys.get('attention.sliding_window') ?? 0) !== 0
  const scaling = ropeScaling(keys, context, headDim, divisors)
  return {
    ...typeOf(keys, architecture, { ofQueries, ofOutput, windowed }),
    ...{ vocab_size: vocabulary, max_position_embeddings: context, hidden_size: embed },
    ...{ num_hidden_layers: layers, intermediate_size: hiddenOf(keys), num_attention_heads: heads },
    ...{ num_key_value_heads: kvHeads, head_dim: headDim, hidden_act: 'silu' },
    ...(architecture !== 'qwen2' && { attention_bias: ofQueries && ofOutput }),
    ...(architecture === 'llama' && { mlp_bias: biased('ffn_up') }),
    rms_norm_eps: keys.positive('attention.layer_norm_rms_epsilon'),
    rope_theta: keys.positive('rope.freq_base', 10_000),
    ...(scaling && { rope_scaling: scaling }),
  }
}

/** The class of Python's that has these parts: `llama` is said of Mistral, too. */
function typeOf(
  keys: GgufKeys,
  architecture: 'llama' | 'qwen2' | 'qwen3',
  is: { readonly ofQueries: boolean; readonly ofOutput: boolean; readonly windowed: boolean },
): JsonObject {
  if (is.windowed && architecture !== 'llama') {
    keys.refuse('attention.sliding_window', 'none in this architecture')
  }
  if (architecture === 'llama' && is.ofQueries && !is.ofOutput) return { model_type: 'qwen2' }
  if (!is.windowed) return { model_type: architecture }
  const window = keys.size('attention.sliding_window', sizeLimits.context)
  return { model_type: 'mistral', sliding_window: window }
}
