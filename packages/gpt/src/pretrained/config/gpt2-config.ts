/** GPT-2's keys (Radford et al. 2019). */
import type { BlockConfig, GptConfig } from '../../config/gpt-config.ts'
import { sizeLimits } from '../../config/size-limits.ts'
import type { ConfigKeys } from './config-keys.ts'

/** GELU by its names, in its two forms. */
const activations: Readonly<Record<string, 'gelu' | 'geluErf'>> = {
  gelu_new: 'gelu',
  gelu_pytorch_tanh: 'gelu',
  gelu: 'geluErf',
}

/** The configuration that GPT-2's keys mean, with the defaults of its class. */
export function gpt2Config(keys: ConfigKeys): GptConfig {
  const sizeOf = (key: string, alias: string, fallback: number, most?: number): number =>
    keys.size(keys.has(key) ? key : alias, fallback, most)
  const embed = sizeOf('n_embd', 'hidden_size', 768, sizeLimits.embed)
  const heads = sizeOf('n_head', 'num_attention_heads', 12)
  const layers = sizeOf('n_layer', 'num_hidden_layers', 12, sizeLimits.blocks)
  if (embed % heads !== 0) keys.refuse(keys.has('n_head') ? 'n_head' : 'n_embd', 'a divisor of n_embd')
  const headDim = embed / heads
  const name = keys.text('activation_function', 'gelu_new')
  if (!Object.hasOwn(activations, name)) {
    keys.refuse('activation_function', `one of ${Object.keys(activations).join(', ')}`)
  }
  const scales = keys.boolean('scale_attn_weights', true)
  const byDepth = keys.boolean('scale_attn_by_inverse_layer_idx', false)
  const blocks = Array.from({ length: layers }, (_, i): BlockConfig => {
    const scoreWidth = (scales ? headDim : 1) * (byDepth ? (i + 1) ** 2 : 1)
    return {
      ...{ id: `b${i}`, mlpHidden: keys.size('n_inner', 4 * embed), heads, kvHeads: heads, headDim },
      ...(scoreWidth !== headDim && { scoreWidth }),
    }
  })
  return {
    vocabulary: keys.size('vocab_size', 50_257),
    context: sizeOf('n_positions', 'max_position_embeddings', 1024),
    embed,
    norm: 'layer',
    epsilon: keys.positive('layer_norm_epsilon', 1e-5),
    ...(!keys.boolean('tie_word_embeddings', true) && { untiedHead: true }),
    positions: 'learned',
    activation: activations[name],
    blocks,
    nextBlock: layers,
  }
}
