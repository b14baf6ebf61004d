/**
 * Writes a model in the form of Hugging Face, so that Python reads it: what growth has added is folded into
 * the weights.
 */
import {
  checkArgument,
  checkOptions,
  checks,
  rawFromArray,
  rawFromFloats,
  type RawTensor,
  writeSafetensors,
} from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { parameterSpecs } from '../config/parameters.ts'
import { Gpt } from '../gpt.ts'
import { configFromPretrained } from './config/config-from-pretrained.ts'
import type { JsonObject } from './config/config-keys.ts'
import { configJson, type FileDtype } from './config/config-json.ts'
import { factorOf, scaledNumbers } from './folded-weights.ts'
import { checkFits, checkSays } from './pretrained-fit.ts'
import { fileTensorOf, putInto } from './tensor-names.ts'

type WeightsOfFolder = 'f32' | 'f16' | 'bf16'

/** How a folder is written. */
export interface WritePretrainedOptions {
  /**
   * Numbers of the weights: `f32` unless given; `f16` and `bf16` take half of the room, each number rounded
   * to the nearest, ties to even.
   */
  readonly weights?: WeightsOfFolder
}

const dtypes: Readonly<Record<WeightsOfFolder, FileDtype>> = {
  f32: 'float32',
  f16: 'float16',
  bf16: 'bfloat16',
}

/**
 * The files of a folder that transformers reads: `config.json`, `generation_config.json` and
 * `model.safetensors`.
 *
 * A model that was read goes back to its class, with every key that its `config.json` had; one that was born
 * here becomes a GPT-2, Llama, Qwen2 or Qwen3, as its features demand. The width that norms divide by and the
 * one that scores are divided by are folded into the weights, up to rounding.
 *
 * @returns The bytes of each file, by name.
 * @throws PretrainedError, naming the growth or the part in the way, for what no such class can do;
 *   NonFiniteError for weights beyond the range of `f16`.
 */
export async function writePretrained(
  model: Gpt,
  options: WritePretrainedOptions = {},
): Promise<ReadonlyMap<string, Uint8Array>> {
  checkArgument('writePretrained', 'model', model, checks.instance('a Gpt', Gpt))
  checkOptions('writePretrained', options, { weights: checks.oneOf('f32', 'f16', 'bf16') })
  const { weights = 'f32' } = options
  const { config } = model
  checkSays('savePretrained', config)
  const json = configJson('savePretrained', config, dtypes[weights])
  const target = configFromPretrained('savePretrained', json)
  checkFits('savePretrained', config, target)
  const tensors = new Map<string, { readonly shape: readonly number[]; readonly numbers: Float32Array }>()
  for (const spec of parameterSpecs(config)) {
    const place = fileTensorOf(config, spec)
    const size = place.shape.reduce((a, b) => a * b, 1)
    const whole = tensors.get(place.name) ?? { shape: place.shape, numbers: new Float32Array(size) }
    tensors.set(place.name, whole)
    putInto(
      whole.numbers,
      await scaledNumbers(model.parameters.get(spec.path).tensor, factorOf(config, target, spec.path)),
      place,
    )
  }
  const raw = new Map<string, RawTensor>(
    [...tensors].map(([name, { shape, numbers }]) => [name, rawOf(numbers, shape, weights)]),
  )
  return new Map([
    ['config.json', jsonBytes(json)],
    ['generation_config.json', jsonBytes(generationJson(config, json))],
    ['model.safetensors', writeSafetensors(raw, { format: 'pt' })],
  ])
}

function rawOf(numbers: Float32Array, shape: readonly number[], weights: WeightsOfFolder): RawTensor {
  if (weights === 'f32') return rawFromArray(numbers, shape)
  return rawFromFloats(numbers, shape, weights === 'f16' ? 'F16' : 'BF16')
}

const jsonBytes = (json: JsonObject): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`)

function generationJson({ pretrained }: GptConfig, json: JsonObject): JsonObject {
  if (pretrained?.generation) return pretrained.generation
  const ids = ['bos_token_id', 'eos_token_id', 'pad_token_id'].filter((key) => Object.hasOwn(json, key))
  return { _from_model_config: true, ...Object.fromEntries(ids.map((key) => [key, json[key]])) }
}
