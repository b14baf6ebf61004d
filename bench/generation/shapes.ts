/** The shapes in which generation is measured, and random weights of such a model by their names on the hub. */

/** Sizes of a model of either class. */
export interface Shape {
  readonly name: string
  readonly kind: 'gpt2' | 'llama'
  readonly layers: number
  readonly embed: number
  readonly heads: number
  readonly kvHeads: number
  readonly mlpHidden: number
  readonly vocabulary: number
  readonly context: number
  readonly epsilon: number
}

export const gpt2Small: Shape = {
  ...{ name: 'GPT-2 small', kind: 'gpt2', layers: 12, embed: 768, heads: 12, kvHeads: 12 },
  ...{ mlpHidden: 3072, vocabulary: 50_257, context: 1024, epsilon: 1e-5 },
}

/** The shape of the trained model of that name; its weights are random here. */
export const stories260K: Shape = {
  ...{ name: 'stories260K', kind: 'llama', layers: 5, embed: 64, heads: 8, kvHeads: 4 },
  ...{ mlpHidden: 172, vocabulary: 512, context: 512, epsilon: 1e-5 },
}

/** A weight. */
export interface Weight {
  readonly shape: readonly number[]
  readonly numbers: Float32Array
}

export type WeightsByName = ReadonlyMap<string, Weight>

/** Random weights of a shape, the same at every call: matrices around 0, gains around 1. */
export function randomWeights(shape: Shape): WeightsByName {
  const weights = new Map<string, Weight>()
  let state = 0x2545f491
  const add = (name: string, sizes: readonly number[], spread: number, middle = 0): void => {
    const numbers = new Float32Array(sizes.reduce((a, b) => a * b))
    for (let i = 0; i < numbers.length; i++) {
      // Marsaglia's xorshift (2003), of 32 bits.
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      numbers[i] = middle + spread * (state / 2 ** 31)
    }
    weights.set(name, { shape: sizes, numbers })
  }
  const { embed: C, mlpHidden: M, vocabulary: V, context, heads, kvHeads } = shape
  const narrow = (C / heads) * kvHeads
  const spread = (inputs: number): number => Math.sqrt(3 / inputs)
  if (shape.kind === 'gpt2') {
    const norm = (at: string): void => {
      add(`${at}.weight`, [C], 0.2, 1)
      add(`${at}.bias`, [C], 0.2)
    }
    const map = (at: string, inputs: number, outputs: number): void => {
      add(`${at}.weight`, [inputs, outputs], spread(inputs))
      add(`${at}.bias`, [outputs], 0.2)
    }
    add('transformer.wte.weight', [V, C], 0.08)
    add('transformer.wpe.weight', [context, C], 0.08)
    for (let layer = 0; layer < shape.layers; layer++) {
      const at = `transformer.h.${layer}`
      norm(`${at}.ln_1`)
      map(`${at}.attn.c_attn`, C, 3 * C)
      map(`${at}.attn.c_proj`, C, C)
      norm(`${at}.ln_2`)
      map(`${at}.mlp.c_fc`, C, M)
      map(`${at}.mlp.c_proj`, M, C)
    }
    norm('transformer.ln_f')
    return weights
  }
  add('model.embed_tokens.weight', [V, C], 0.2)
  for (let layer = 0; layer < shape.layers; layer++) {
    const at = `model.layers.${layer}`
    add(`${at}.input_layernorm.weight`, [C], 0.2, 1)
    add(`${at}.self_attn.q_proj.weight`, [C, C], spread(C))
    add(`${at}.self_attn.k_proj.weight`, [narrow, C], spread(C))
    add(`${at}.self_attn.v_proj.weight`, [narrow, C], spread(C))
    add(`${at}.self_attn.o_proj.weight`, [C, C], spread(C))
    add(`${at}.post_attention_layernorm.weight`, [C], 0.2, 1)
    add(`${at}.mlp.gate_proj.weight`, [M, C], spread(C))
    add(`${at}.mlp.up_proj.weight`, [M, C], spread(C))
    add(`${at}.mlp.down_proj.weight`, [C, M], spread(M))
  }
  add('model.norm.weight', [C], 0.2, 1)
  return weights
}

/** The `config.json` of a shape. */
export function configOf(shape: Shape): Readonly<Record<string, unknown>> {
  const { layers, embed, heads, kvHeads, mlpHidden, vocabulary, context, epsilon } = shape
  return shape.kind === 'gpt2'
    ? {
        ...{ architectures: ['GPT2LMHeadModel'], model_type: 'gpt2', activation_function: 'gelu_new' },
        ...{ n_layer: layers, n_embd: embed, n_head: heads, n_inner: mlpHidden, n_positions: context },
        ...{ vocab_size: vocabulary, layer_norm_epsilon: epsilon },
      }
    : {
        ...{ architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_act: 'silu' },
        ...{ num_hidden_layers: layers, hidden_size: embed, num_attention_heads: heads },
        ...{ num_key_value_heads: kvHeads, intermediate_size: mlpHidden, vocab_size: vocabulary },
        ...{ max_position_embeddings: context, rms_norm_eps: epsilon, rope_theta: 10_000 },
        tie_word_embeddings: true,
      }
}
