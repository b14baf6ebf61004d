/** The keys of a GGUF file for a model's configuration. What llama.cpp would compute otherwise is refused. */
import { shown } from '@burgeon/tensor'
import type { GptConfig } from '../../../config/gpt-config.ts'
import type { JsonObject } from '../../config/config-keys.ts'
import { PretrainedError } from '../../config/pretrained-error.ts'
import type { TypedValue } from '../format/header-bytes.ts'
import type { WrittenType } from '../format/write-blocks.ts'
import type { GgufArchitecture } from './gguf-config.ts'

function refuse(got: string, expected: string): never {
  throw new PretrainedError(`writeGguf: got ${got}; expected ${expected}.`)
}

/**
 * The architecture that a model is written as.
 *
 * @param json Its `config.json`.
 * @throws PretrainedError for what readers of such files would compute otherwise.
 */
export function architectureFor(config: GptConfig, json: JsonObject): GgufArchitecture {
  const type = String(json['model_type'])
  const { activation, blocks, biases = ['qkv', 'output', 'mlp'], context } = config
  if (type === 'gpt2') {
    if (activation === 'gelu') return 'gpt2'
    refuse(`activation ${shown(activation)}`, "'gelu', the tanh form, the one that gpt2 has in such files")
  }
  const windowed = blocks.find(({ window }) => (window ?? context) < context)
  if (windowed)
    refuse(`window ${windowed.window} of block ${windowed.id}`, 'none: these files have no windows')
  const [{ frequencies = [] }] = blocks
  const other = blocks.find((block) => block.frequencies?.join() !== frequencies.join())
  if (other) refuse(`rotary frequencies of their own in block ${other.id}`, 'the same in every block')
  if (type === 'llama' || type === 'mistral') return 'llama'
  if (type === 'qwen2') return 'qwen2'
  if (type === 'qwen3' && biases.length === 0) return 'qwen3'
  return refuse(
    type === 'qwen3' ? 'qwen3 with biases' : `a model of the class ${type}`,
    'one of gpt2, llama, mistral, qwen2, and qwen3 without biases',
  )
}

/**
 * What frequencies θ^(−2i/D) are divided by to be the model's, one for each pair of channels; undefined where
 * they are those.
 */
export function rotaryDivisors(config: GptConfig, json: JsonObject): readonly number[] | undefined {
  const [{ frequencies, headDim }] = config.blocks
  if (config.positions !== 'rotary' || frequencies === undefined) return undefined
  const theta = thetaOf(json)
  const divisors = frequencies.map((f, i) => theta ** ((-2 * i) / headDim) / f)
  if (!divisors.every(Number.isFinite)) refuse('rotary frequencies of 0', 'every pair of channels rotated')
  return divisors.some((divisor) => Math.abs(divisor - 1) > 1e-9) ? divisors : undefined
}

/** As Hugging Face's files have it, in either style. */
function thetaOf(json: JsonObject): number {
  const { rope_parameters: own, rope_theta: top } = json
  const inside = (own as JsonObject | null | undefined)?.['rope_theta']
  return [inside, top].find((theta): theta is number => typeof theta === 'number') ?? 10_000
}

const fileTypes: Readonly<Record<WrittenType, number>> = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7 }

/** All keys but those of the tokenizer. */
export function modelMetadata(
  config: GptConfig,
  json: JsonObject,
  architecture: GgufArchitecture,
  { type, name }: { readonly type: WrittenType; readonly name: string | undefined },
): [string, TypedValue][] {
  const { vocabulary, context, embed, blocks } = config
  const [{ heads, kvHeads, headDim, mlpHidden }] = blocks
  const isGpt2 = architecture === 'gpt2'
  const epsilon = json[isGpt2 ? 'layer_norm_epsilon' : 'rms_norm_eps'] as number
  const own: readonly (readonly [string, TypedValue])[] = [
    ['context_length', ['u32', context]],
    ['embedding_length', ['u32', embed]],
    ['block_count', ['u32', blocks.length]],
    ['feed_forward_length', ['u32', mlpHidden]],
    ['attention.head_count', ['u32', heads]],
    ['attention.head_count_kv', ['u32', kvHeads]],
    [`attention.layer_norm_${isGpt2 ? '' : 'rms_'}epsilon`, ['f32', epsilon]],
    ['vocab_size', ['u32', vocabulary]],
    ...(isGpt2
      ? []
      : ([
          ['attention.key_length', ['u32', headDim]],
          ['attention.value_length', ['u32', headDim]],
          ['rope.dimension_count', ['u32', headDim]],
          ['rope.freq_base', ['f32', thetaOf(json)]],
        ] as const)),
  ]
  return [
    ['general.architecture', ['text', architecture]],
    ['general.type', ['text', 'model']],
    ...(name === undefined ? [] : ([['general.name', ['text', name]]] as [string, TypedValue][])),
    ['general.alignment', ['u32', 32]],
    ['general.quantization_version', ['u32', 2]],
    ['general.file_type', ['u32', fileTypes[type]]],
    ...own.map(([key, value]): [string, TypedValue] => [`${architecture}.${key}`, value]),
  ]
}
