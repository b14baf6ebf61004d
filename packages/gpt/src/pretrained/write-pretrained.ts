/**
 * Writes a model in the form of Hugging Face, so that Python reads it: what growth has added is folded into
 * the weights.
 */
import {
  checkArgument,
  checks,
  rawFromArray,
  type RawTensor,
  type Tensor,
  writeSafetensors,
} from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { parameterSpecs } from '../config/parameters.ts'
import { Gpt } from '../gpt.ts'
import { configFromPretrained } from './config/config-from-pretrained.ts'
import type { JsonObject } from './config/config-keys.ts'
import { configJson } from './config/config-json.ts'
import { PretrainedError } from './config/pretrained-error.ts'
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

async function scaledNumbers(tensor: Tensor, factor: number): Promise<Float32Array> {
  const numbers = Float32Array.from(await tensor.read())
  if (factor !== 1) for (let i = 0; i < numbers.length; i++) numbers[i] *= factor
  return numbers
}

/** What the numbers of a parameter, by its path, are multiplied by in files of the model's class. */
export function fileFactors(config: GptConfig): (path: string) => number {
  const isPlain =
    config.normWidth === undefined && config.blocks.every((block) => block.scoreWidth === undefined)
  if (isPlain) return () => 1
  const target = targetOf(config)
  return (path) => (target ? factorOf(config, target, path) : 1)
}

/** The configuration that a model's file has; undefined of one that no class has. */
function targetOf(config: GptConfig): GptConfig | undefined {
  try {
    return configFromPretrained('savePretrained', configJson(config))
  } catch (error) {
    if (error instanceof PretrainedError) return undefined
    throw error
  }
}

/**
 * What the numbers of a parameter are multiplied by. With s = n/C, n the width that norms divide by and C the
 * present one, a norm is that of the class with gain·√s and ε·s. Norms of queries and keys have the same ε
 * there: with projections times √s they make the same of it. Scores that are divided by another root than the
 * class's have what is missing in the queries.
 */
function factorOf(config: GptConfig, target: GptConfig, path: string): number {
  const { embed, normWidth = embed, queryKeyNorm } = config
  const share = Math.sqrt(normWidth / embed)
  if (/^(blocks\.[^.]+\.(attention|mlp)|head)\.norm\.gain$/.test(path)) return share
  const [, id, part] = /^blocks\.([^.]+)\.attention\.(query|key)\./.exec(path) ?? []
  if (id === undefined) return 1
  const isGain = path.endsWith('.norm.gain')
  const ofNorm = queryKeyNorm && !isGain ? share : 1
  const at = config.blocks.findIndex((block) => block.id === id)
  const [ours, theirs] = [config, target].map(({ blocks }) => blocks[at].scoreWidth ?? blocks[at].headDim)
  const ofScores = part === 'query' && isGain === (queryKeyNorm === true) ? Math.sqrt(theirs / ours) : 1
  return ofNorm * ofScores
}
