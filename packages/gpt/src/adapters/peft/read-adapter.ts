/** Reads an adapter from a folder in the form of peft. */
import {
  arrayFromRaw,
  BadFileError,
  checkArgument,
  checks,
  type OpenSafetensors,
  openSafetensors,
  type PlainTensor,
} from '@burgeon/tensor'
import { parseJson } from '../../pretrained/config/config-keys.ts'
import { PretrainedError } from '../../pretrained/config/pretrained-error.ts'
import { type PretrainedFolder, readSmall } from '../../pretrained/weight-files.ts'
import { fileFactors } from '../../pretrained/folded-weights.ts'
import { type AdaptableModel, anAdaptable, LoraAdapter } from '../lora-adapter.ts'
import { loraBlock, type LoraConfig, scaleOf } from '../lora-config.ts'
import { loraSpecs, pathOfA, pathOfB } from '../lora-parameters.ts'
import { peftConfig, type PeftConfig } from './peft-config.ts'
import { type PeftModule, peftModules, quoted } from './peft-modules.ts'

const [configFile, weightFile] = ['adapter_config.json', 'adapter_model.safetensors']

/** Names of the tensors of a module. */
interface FoundModule {
  readonly of: PeftModule
  readonly names: { A?: string; B?: string }
}

/**
 * An adapter from a folder in the form of peft (`adapter_config.json`, `adapter_model.safetensors`), in f32,
 * f16 and bf16, beside the model that it was made for.
 *
 * Names are found with or without the prefixes of wrappers. The keys stay in `adapter.config.peft`, to be
 * written back.
 *
 * @throws PretrainedError, naming file, key or tensor, for a folder that is broken, says what this adapter
 *   cannot do, or has a tensor without a place in the model, and none of those that it says it has.
 */
export async function readAdapter(folder: PretrainedFolder, model: AdaptableModel): Promise<LoraAdapter> {
  const aFolder = checks.role<PretrainedFolder>('a PretrainedFolder', 'place', 'open')
  checkArgument('readAdapter', 'folder', folder, aFolder)
  checkArgument('readAdapter', 'model', model, anAdaptable)
  const { place } = folder
  const bytes = await readSmall(folder, configFile)
  if (bytes === undefined) throw new PretrainedError(`${place}: got no ${configFile}; expected one.`)
  const json = parseJson(`${place}: ${configFile}`, bytes)
  const peft = peftConfig(`${place}: ${configFile}`, json)
  const at = `${place}: ${weightFile}`
  const open = await openWeights(folder, at)
  const found = foundModules(at, peftModules(model.config), open, peft)
  const { embed, blocks } = model.config
  const config: LoraConfig = {
    modules: found.map(({ of }) => {
      const rank = peft.rankOf(of)
      return { ...of.module, rank, scale: scaleOf(peft.alphaOf(of), rank, peft.useRslora) }
    }),
    ...{ dropout: peft.dropout, useRslora: peft.useRslora, embed, blocks: blocks.map(loraBlock), peft: json },
  }
  const shapes = new Map(loraSpecs(model.config, config).map(({ path, shape }) => [path, shape]))
  const weights: Record<string, PlainTensor> = {}
  const put = (path: string, data: Float32Array): void => {
    weights[path] = { shape: shapes.get(path) ?? [], data }
  }
  const factors = fileFactors(model.config)
  for (const { of, names } of found) {
    const { module, from, to } = of
    const rank = peft.rankOf(of)
    const out = to.reduce((a, b) => a + b, 0)
    const a = await numbersOf(at, open, names.A ?? '', [rank, from])
    const b = await numbersOf(at, open, names.B ?? '', [out, rank])
    put(pathOfA(module), transposed(a, rank, from))
    let row = 0
    for (const [i, map] of module.maps.entries()) {
      const rows = b.subarray(row * rank, (row += to[i]) * rank)
      const factor = factors(`${map}.weight`)
      put(
        pathOfB(map),
        transposed(rows, to[i], rank).map((x) => x / factor),
      )
    }
  }
  return LoraAdapter.fromState({ config, weights }, model)
}

async function openWeights(folder: PretrainedFolder, at: string): Promise<OpenSafetensors> {
  const source = await folder.open(weightFile)
  if (source === undefined) {
    const hasPickle = (await folder.open('adapter_model.bin')) !== undefined
    throw new PretrainedError(
      `${folder.place}: got no ${weightFile}; expected one.` +
        (hasPickle
          ? ' adapter_model.bin is a pickle, which can run code and is not read: save the adapter with safe_serialization=True.'
          : ''),
    )
  }
  try {
    return await openSafetensors(source)
  } catch (error) {
    if (!(error instanceof BadFileError)) throw error
    throw new PretrainedError(`${at}: ${error.message}`, { cause: error })
  }
}

/** The modules that have tensors, in the order of the model. Throws PretrainedError for any other tensor. */
function foundModules(
  at: string,
  known: ReadonlyMap<string, PeftModule>,
  open: OpenSafetensors,
  peft: PeftConfig,
): FoundModule[] {
  const found = new Map<string, FoundModule>()
  for (const name of open.entries.keys()) {
    // A name of an adapter may stand behind A and B; peft takes it away when it saves.
    const parts =
      /^(?:base_model\.)?(?:model\.)*(?:transformer\.)?(.+)\.lora_([AB])(?:\.[^.]+)?\.weight$/.exec(name)
    const of = known.get(parts?.[1] ?? '')
    if (parts === null || of === undefined) {
      throw new PretrainedError(
        `${at}: got the tensor ${quoted(name)}, which has no place in the model; expected lora_A and lora_B of its linear maps ` +
          'alone. Is it an adapter of this model?',
      )
    }
    peft.checkTarget(of)
    const own = found.get(of.name) ?? { of, names: {} }
    const letter = parts[2] as 'A' | 'B'
    if (own.names[letter] !== undefined) {
      throw new PretrainedError(
        `${at}: got the tensors ${quoted(own.names[letter])} and ${quoted(name)} for one place; expected one of them.`,
      )
    }
    own.names[letter] = name
    found.set(of.name, own)
  }
  for (const of of known.values()) {
    const own = found.get(of.name)
    const isWanted = own !== undefined || peft.isTarget(of)
    const missing = isWanted && (['A', 'B'] as const).find((letter) => own?.names[letter] === undefined)
    if (!missing) continue
    throw new PretrainedError(
      `${at}: got no tensor ${of.name}.lora_${missing}.weight; expected it, as ${own ? 'the other of the two is there' : `target_modules of ${configFile} says`}.`,
    )
  }
  if (found.size > 0) return [...known.values()].flatMap(({ name }) => found.get(name) ?? [])
  throw new PretrainedError(`${at}: got no tensors; expected an adapter of one linear map at least.`)
}

async function numbersOf(
  at: string,
  open: OpenSafetensors,
  name: string,
  shape: readonly number[],
): Promise<Float32Array> {
  const entry = open.entries.get(name)
  if (entry === undefined || !['F64', 'F32', 'F16', 'BF16'].includes(entry.type)) {
    throw new PretrainedError(
      `${at}: got tensor ${quoted(name)} of dtype ${entry?.type}; expected F32, F16, BF16 or F64.`,
    )
  }
  if (entry.shape.length !== 2 || entry.shape.some((n, i) => n !== shape[i])) {
    throw new PretrainedError(
      `${at}: got tensor ${quoted(name)} of shape [${entry.shape.join(', ')}]; expected [${shape.join(', ')}], as the model and ${configFile} say.`,
    )
  }
  try {
    return Float32Array.from(arrayFromRaw(await open.read(name)) as ArrayLike<number>)
  } catch (error) {
    if (!(error instanceof BadFileError)) throw error
    throw new PretrainedError(`${at}: ${quoted(name)}: ${error.message}`, { cause: error })
  }
}

/** `[rows, columns]` → `[columns, rows]`. */
export function transposed(numbers: ArrayLike<number>, rows: number, columns: number): Float32Array {
  const across = new Float32Array(rows * columns)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) across[j * rows + i] = numbers[i * columns + j]
  }
  return across
}
