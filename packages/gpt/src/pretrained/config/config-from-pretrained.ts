/**
 * From the keys of a `config.json` to a configuration, by each architecture's own defaults. What cannot be
 * represented is refused.
 */
import { BurgeonError } from '@burgeon/tensor'
import { configFromState } from '../../config/config-from-state.ts'
import type { GptConfig } from '../../config/gpt-config.ts'
import { ConfigKeys, type JsonObject } from './config-keys.ts'
import { gpt2Config } from './gpt2-config.ts'
import { isLlamaType, llamaConfig, llamaTypes } from './llama-config.ts'
import { PretrainedError } from './pretrained-error.ts'

/**
 * Keys that change what a model computes, in ways that this one cannot. Null, false and an empty list or
 * object say nothing.
 */
const refused: readonly string[] = [
  ...['quantization_config', 'auto_map', 'text_config', 'vision_config', 'audio_config', 'pruned_heads'],
  ...['num_experts', 'num_local_experts', 'n_routed_experts', 'num_experts_per_tok', 'kv_lora_rank'],
  ...['attn_logit_softcapping', 'final_logit_softcapping', 'query_pre_attn_scalar', 'logit_scale', 'alibi'],
  ...['embedding_multiplier', 'residual_multiplier', 'attention_multiplier', 'logits_scaling'],
  ...['add_cross_attention', 'is_encoder_decoder', 'use_qk_norm', 'parallel_attn', 'attention_chunk_size'],
]

/**
 * The configuration of a pretrained model.
 *
 * @param file What messages begin with.
 * @throws PretrainedError for an unknown architecture, a key that cannot be represented, or sizes that no
 *   model has.
 */
export function configFromPretrained(file: string, json: JsonObject): GptConfig {
  const keys = new ConfigKeys(file, json)
  const type = keys.text('model_type', '')
  if (type !== 'gpt2' && !isLlamaType(type)) {
    keys.refuse('model_type', `one of gpt2, ${llamaTypes.join(', ')}`)
  }
  for (const key of refused) {
    const value = keys.get(key) ?? false
    const isEmpty = typeof value === 'object' && Object.keys(value).length === 0
    if (value !== false && !isEmpty) keys.refuse(key, 'none: this cannot be represented')
  }
  const config = type === 'gpt2' ? gpt2Config(keys) : llamaConfig(keys, type as (typeof llamaTypes)[number])
  try {
    return configFromState({ ...config, pretrained: { config: json } })
  } catch (error) {
    if (!(error instanceof BurgeonError)) throw error
    throw new PretrainedError(`${file}: ${error.message}`, { cause: error })
  }
}
