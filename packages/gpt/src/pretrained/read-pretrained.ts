/** Reads a model from a folder in the form of Hugging Face, tensor by tensor. */
import { arrayFromRaw, checkArgument, checkOptions, checks, defaultDevice, Device } from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { type ParameterSpec, parameterSpecs } from '../config/parameters.ts'
import { Gpt } from '../gpt.ts'
import { configFromPretrained } from './config/config-from-pretrained.ts'
import { parseJson } from './config/config-keys.ts'
import { PretrainedError } from './config/pretrained-error.ts'
import type { ReadPretrainedOptions } from './config/pretrained-options.ts'
import { bareName, fileTensorOf, takenFrom } from './tensor-names.ts'
import { type PretrainedFolder, readSmall, WeightFiles } from './weight-files.ts'

/**
 * A model from a folder in the form of Hugging Face: `config.json`, and `model.safetensors` or several files
 * with an index. GPT-2, Llama, Mistral, Qwen2, Qwen3 and SmolLM3, in f32, f16 and bf16.
 *
 * Weights are read one after the other, never all of them beside the model. `config.json` and
 * `generation_config.json` stay in `model.config.pretrained`, to be written back.
 *
 * @throws PretrainedError, naming file, key or tensor, for a folder that is broken or says what this model
 *   cannot do; nothing is ignored but masks and rotary frequencies that old files hold.
 */
export async function readPretrained(
  folder: PretrainedFolder,
  options: ReadPretrainedOptions = {},
): Promise<Gpt> {
  checkArgument(
    'readPretrained',
    'folder',
    folder,
    checks.role<PretrainedFolder>('a PretrainedFolder', 'place', 'open'),
  )
  checkOptions('readPretrained', options, { device: checks.instance('a Device', Device) })
  const { place } = folder
  const bytes = await readSmall(folder, 'config.json')
  if (bytes === undefined) throw new PretrainedError(`${place}: got no config.json; expected one.`)
  const known = configFromPretrained(`${place}: config.json`, parseJson(`${place}: config.json`, bytes))
  const ofGeneration = await readSmall(folder, 'generation_config.json')
  const generation = ofGeneration && parseJson(`${place}: generation_config.json`, ofGeneration)
  const pretrained = { config: known.pretrained?.config ?? {}, ...(generation && { generation }) }
  const config: GptConfig = { ...known, pretrained }
  const files = await WeightFiles.open(folder)
  const specs = parameterSpecs(config)
  checkNames(place, config, specs, files)
  const numbersOf = reader(config, files)
  await checkTied(place, config, files)
  return Gpt.fromReader(config, numbersOf, options.device ?? defaultDevice())
}

/** Reads the numbers of parameters; keeps a tensor that others are parts of, and its bias, until the next. */
function reader(config: GptConfig, files: WeightFiles): (spec: ParameterSpec) => Promise<Float32Array> {
  const shared = new Map<string, Float32Array>()
  return async (spec) => {
    const source = fileTensorOf(config, spec)
    const isAlias = spec.path === 'embed.token.weight' && !config.untiedHead && !files.has(source.name)
    const name = isAlias ? 'lm_head.weight' : source.name
    const numbers = shared.get(name) ?? floats(arrayFromRaw(await files.read(name, source.shape)))
    if (source.layout === 0 && shared.size === 2) shared.clear()
    if (typeof source.layout === 'number') shared.set(name, numbers)
    return takenFrom(numbers, source)
  }
}

const floats = (numbers: ArrayLike<number>): Float32Array =>
  numbers instanceof Float32Array ? numbers : Float32Array.from(numbers)

/** Throws PretrainedError for tensors that nothing reads, and for missing ones before anything is made. */
function checkNames(
  place: string,
  config: GptConfig,
  specs: readonly ParameterSpec[],
  files: WeightFiles,
): void {
  const wanted = new Set(specs.map((spec) => bareName(fileTensorOf(config, spec).name)))
  if (!config.untiedHead) wanted.add('lm_head.weight')
  for (const name of files.names) {
    if (wanted.has(name)) continue
    throw new PretrainedError(
      `${place}: got the tensor ${name}, which has no place in the model of config.json; expected none besides its own.`,
    )
  }
  for (const name of wanted) {
    if (files.has(name) || name === 'lm_head.weight') continue
    const hasOther = !config.untiedHead && /embed_tokens|wte/.test(name) && files.has('lm_head.weight')
    if (hasOther) continue
    throw new PretrainedError(`${place}: got no tensor ${name}; expected it, as config.json says.`)
  }
  if (config.untiedHead && !files.has('lm_head.weight')) {
    throw new PretrainedError(
      `${place}: got no tensor lm_head.weight and tie_word_embeddings false; expected the tensor, or true.`,
    )
  }
}

/** Throws PretrainedError where a tied head and the embedding are both there and differ. */
async function checkTied(place: string, config: GptConfig, files: WeightFiles): Promise<void> {
  if (config.untiedHead || !files.has('lm_head.weight')) return
  const [spec] = parameterSpecs(config)
  const { name, shape } = fileTensorOf(config, spec)
  if (!files.has(name)) return
  const [embedding, head] = [await files.read(name, shape), await files.read('lm_head.weight', shape)]
  const areEqual = embedding.type === head.type && embedding.bytes.every((byte, i) => byte === head.bytes[i])
  if (areEqual) return
  throw new PretrainedError(
    `${place}: got tie_word_embeddings true, and a lm_head.weight that differs from ${name}; expected equal ones, or false.`,
  )
}
