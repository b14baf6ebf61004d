/** What the parameters are called in pretrained files, and how they lie there. */
import { shown } from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import type { ParameterSpec } from '../config/parameters.ts'
import { PretrainedError } from './config/pretrained-error.ts'

/** The tensor of a file that a parameter is, or is part of. */
export interface FileTensor {
  /** With the prefix that files of the class have. */
  readonly name: string
  readonly shape: readonly number[]
  /**
   * `same`: row by row as here. `transposed`: [out, in] there, [in, out] here. A number: that third of the
   * columns (of a matrix) or of the numbers (of a bias).
   */
  readonly layout: 'same' | 'transposed' | 0 | 1 | 2
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

/** GPT-2's names by ours; c_attn is query, key and value side by side. */
const inGpt2: Readonly<Record<string, readonly [name: string, part?: 0 | 1 | 2]>> = {
  'attention.norm': ['ln_1'],
  'attention.query': ['attn.c_attn', 0],
  'attention.key': ['attn.c_attn', 1],
  'attention.value': ['attn.c_attn', 2],
  'attention.output': ['attn.c_proj'],
  'mlp.norm': ['ln_2'],
  'mlp.up': ['mlp.c_fc'],
  'mlp.down': ['mlp.c_proj'],
}

/** The Llama family's names by ours. */
const inLlama: Readonly<Record<string, string>> = {
  'attention.norm': 'input_layernorm',
  'attention.query': 'self_attn.q_proj',
  'attention.key': 'self_attn.k_proj',
  'attention.value': 'self_attn.v_proj',
  'attention.query.norm': 'self_attn.q_norm',
  'attention.key.norm': 'self_attn.k_norm',
  'attention.output': 'self_attn.o_proj',
  'mlp.norm': 'post_attention_layernorm',
  'mlp.gate': 'mlp.gate_proj',
  'mlp.up': 'mlp.up_proj',
  'mlp.down': 'mlp.down_proj',
}

const [ofGpt2, ofLlama] = [
  {
    'embed.token.weight': 'transformer.wte.weight',
    'embed.position.weight': 'transformer.wpe.weight',
    'head.norm.gain': 'transformer.ln_f.weight',
    'head.norm.bias': 'transformer.ln_f.bias',
    'head.weight': 'lm_head.weight',
  },
  {
    'embed.token.weight': 'model.embed_tokens.weight',
    'head.norm.gain': 'model.norm.weight',
    'head.weight': 'lm_head.weight',
  },
] as const satisfies readonly Readonly<Record<string, string>>[]

/** Whether a configuration is one of GPT-2's class; the others are of the Llama family. */
const isGpt2 = ({ positions }: GptConfig): boolean => positions === 'learned'

/**
 * Where a parameter lies in a file.
 *
 * @throws PretrainedError for a parameter that no class has.
 */
export function fileTensorOf(config: GptConfig, { path, shape }: ParameterSpec): FileTensor {
  const top: Readonly<Record<string, string>> = isGpt2(config) ? ofGpt2 : ofLlama
  if (Object.hasOwn(top, path)) return { name: top[path], shape, layout: 'same' }
  const [, id = '', part = '', kind = ''] = /^blocks\.([^.]+)\.(.+)\.(weight|bias|gain)$/.exec(path) ?? []
  const layer = config.blocks.findIndex((block) => block.id === id)
  const suffix = kind === 'bias' ? 'bias' : 'weight'
  const isMap = kind !== 'gain' && !part.endsWith('norm')
  const sides =
    part === 'attention.output'
      ? [product(shape.slice(0, -1)), shape.at(-1) ?? 1]
      : [shape[0], product(shape.slice(1))]
  if (isGpt2(config) && Object.hasOwn(inGpt2, part)) {
    const [name, third] = inGpt2[part]
    const own = isMap && kind === 'weight' ? sides : [product(shape)]
    const whole = third === undefined ? own : [...own.slice(0, -1), 3 * (own.at(-1) ?? 1)]
    return { name: `transformer.h.${layer}.${name}.${suffix}`, shape: whole, layout: third ?? 'same' }
  }
  if (!isGpt2(config) && Object.hasOwn(inLlama, part)) {
    const name = `model.layers.${layer}.${inLlama[part]}.${suffix}`
    return isMap && kind === 'weight'
      ? { name, shape: sides.toReversed(), layout: 'transposed' }
      : { name, shape: [product(shape)], layout: 'same' }
  }
  throw new PretrainedError(
    `pretrained: got the parameter ${shown(path)}; expected one that files of this class have.`,
  )
}

/** Whether a tensor of a file means nothing: a mask, or frequencies that follow from the configuration. */
export const isIdle = (name: string): boolean =>
  /(^|\.)h\.\d+\.attn\.(bias|masked_bias)$|\.rotary_emb\.inv_freq$/.test(name)

/** A name without the prefix that some files have and others have not. */
export const bareName = (name: string): string => name.replace(/^(transformer|model)\./, '')

/** The numbers of a parameter, from those of the file's tensor. Shares them where they are the same. */
export function takenFrom(numbers: Float32Array, { shape, layout }: FileTensor): Float32Array {
  if (layout === 'same') return numbers
  if (layout === 'transposed') return transposed(numbers, shape[0], shape[1])
  const [rows, width] = shape.length === 1 ? [1, shape[0]] : [shape[0], shape[1]]
  const third = width / 3
  const own = new Float32Array(rows * third)
  for (let i = 0; i < rows; i++) {
    own.set(numbers.subarray(i * width + layout * third, i * width + (layout + 1) * third), i * third)
  }
  return own
}

/** Writes the numbers of a parameter to their place in those of the file's tensor. */
export function putInto(numbers: Float32Array, own: Float32Array, { shape, layout }: FileTensor): void {
  if (layout === 'same') numbers.set(own)
  else if (layout === 'transposed') numbers.set(transposed(own, shape[1], shape[0]))
  else {
    const [rows, width] = shape.length === 1 ? [1, shape[0]] : [shape[0], shape[1]]
    const third = width / 3
    for (let i = 0; i < rows; i++) {
      numbers.set(own.subarray(i * third, (i + 1) * third), i * width + layout * third)
    }
  }
}

/** `[rows, columns]` → `[columns, rows]`, in squares that stay in the cache. */
function transposed(numbers: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(numbers.length)
  const side = 32
  for (let top = 0; top < rows; top += side) {
    for (let left = 0; left < columns; left += side) {
      const [bottom, right] = [Math.min(rows, top + side), Math.min(columns, left + side)]
      for (let i = top; i < bottom; i++) {
        for (let j = left; j < right; j++) turned[j * rows + i] = numbers[i * columns + j]
      }
    }
  }
  return turned
}
