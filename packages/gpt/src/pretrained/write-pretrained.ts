/**
 * Writes a model in the form of Hugging Face, so that Python reads it: what growth has added is folded into
 * the weights.
 */
import { checkArgument, checks, rawFromArray, type RawTensor, writeSafetensors } from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { parameterSpecs } from '../config/parameters.ts'
import { Gpt } from '../gpt.ts'
import { configFromPretrained } from './config/config-from-pretrained.ts'
import type { JsonObject } from './config/config-keys.ts'
import { configJson } from './config/config-json.ts'
import { factorOf, scaledNumbers } from './folded-weights.ts'
import { checkFits, checkSays } from './pretrained-fit.ts'
import { fileTensorOf, putInto } from './tensor-names.ts'

/**
 * The files of a folder that transformers reads: `config.json`, `generation_config.json` and
 * `model.safetensors`, in single floats.
 *
 * A model that was read goes back to its class, with every key that its `config.json` had; one that was born
 * here becomes a GPT-2, Llama, Qwen2 or Qwen3, as its features demand. The width that norms divide by and the
 * one that scores are divided by are folded into the weights, up to rounding.
 *
 * @returns The bytes of each file, by name.
 * @throws PretrainedError, naming the growth or the part in the way, for what no such class can do.
 */
export async function writePretrained(model: Gpt): Promise<ReadonlyMap<string, Uint8Array>> {
  checkArgument('writePretrained', 'model', model, checks.instance('a Gpt', Gpt))
  const { config } = model
  checkSays(config)
  const json = configJson(config)
  const target = configFromPretrained('savePretrained', json)
  checkFits(config, target)
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
    [...tensors].map(([name, { shape, numbers }]) => [name, rawFromArray(numbers, shape)]),
  )
  return new Map([
    ['config.json', jsonBytes(json)],
    ['generation_config.json', jsonBytes(generationJson(config, json))],
    ['model.safetensors', writeSafetensors(raw, { format: 'pt' })],
  ])
}

const jsonBytes = (json: JsonObject): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`)

function generationJson({ pretrained }: GptConfig, json: JsonObject): JsonObject {
  if (pretrained?.generation) return pretrained.generation
  const ids = ['bos_token_id', 'eos_token_id', 'pad_token_id'].filter((key) => Object.hasOwn(json, key))
  return { _from_model_config: true, ...Object.fromEntries(ids.map((key) => [key, json[key]])) }
}
