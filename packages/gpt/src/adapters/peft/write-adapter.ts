/** Writes an adapter in the form of peft, so that Python reads it. */
import {
  checkArgument,
  checks,
  plainTensors,
  rawFromArray,
  type RawTensor,
  writeSafetensors,
} from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import { fileFactors } from '../../pretrained/folded-weights.ts'
import { AdapterError } from '../adapter-error.ts'
import { type AdaptableModel, anAdaptable, LoraAdapter } from '../lora-adapter.ts'
import { type LoraConfig, type LoraModule, scaleOf } from '../lora-config.ts'
import { checkFits, pathOfA, pathOfB } from '../lora-parameters.ts'
import { isNamed, type PeftModule, peftModules, shortName } from './peft-modules.ts'
import { transposed } from './read-adapter.ts'

/** A module as a file has it. */
interface WrittenModule {
  readonly of: PeftModule
  readonly rank: number
  readonly scale: number
  /** `[rank, K]`. */
  readonly a: Float32Array
  /** `[M, rank]`, M of all maps together. */
  readonly b: Float32Array
}

/**
 * The files of a folder that peft reads: `adapter_config.json` and `adapter_model.safetensors`, in single
 * floats. An adapter that was read has every key that its file had, but those that say where it stands.
 *
 * Adapters of GPT-2's query, key and value that do not share A become one of its fused map, of their ranks
 * together: the same product, with zeros in B where one does not reach. Where a class has no fused map, those
 * that share A have copies of it.
 *
 * @returns The bytes of each file, by name.
 * @throws AdapterError for an adapter that does not fit the model, or stands beside what files of its class
 *   have no names for, such as experts.
 */
export async function writeAdapter(
  adapter: LoraAdapter,
  model: AdaptableModel,
): Promise<ReadonlyMap<string, Uint8Array>> {
  checkArgument('writeAdapter', 'adapter', adapter, checks.instance('a LoraAdapter', LoraAdapter))
  checkArgument('writeAdapter', 'model', model, anAdaptable)
  const { config } = adapter
  checkFits('writeAdapter', config, model.config)
  if (adapter.parameters.size === 0) {
    throw new AdapterError('writeAdapter: got an adapter that has been disposed; expected one with weights.')
  }
  const known = peftModules(model.config)
  const named = new Set([...known.values()].flatMap(({ module }) => module.maps))
  const nameless = config.modules.flatMap(({ maps }) => maps).find((map) => !named.has(map))
  if (nameless !== undefined) {
    throw new AdapterError(
      `writeAdapter: got an adapter beside ${nameless}; expected maps that files of the class have, which experts are not.`,
    )
  }
  const weights = await plainTensors(adapter.weights)
  const numbers = (path: string): ArrayLike<number> => weights[path].data
  const factors = fileFactors(model.config)
  const modules = [...known.values()].flatMap((of) => {
    const own = config.modules.filter(({ maps }) => maps.some((map) => of.module.maps.includes(map)))
    return own.length === 0 ? [] : [written(of, own, numbers, factors)]
  })
  const tensors = new Map<string, RawTensor>()
  for (const { of, rank, a, b } of modules) {
    const name = `base_model.model.${of.name}`
    tensors.set(`${name}.lora_A.weight`, rawFromArray(a, [rank, of.from]))
    tensors.set(`${name}.lora_B.weight`, rawFromArray(b, [b.length / rank, rank]))
  }
  const json = { ...config.peft, ...keysOf(config, model.config, [...known.values()], modules) }
  return new Map([
    ['adapter_config.json', new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`)],
    ['adapter_model.safetensors', writeSafetensors(tensors, { format: 'pt' })],
  ])
}

/** One module, or the part of one that this is; or several with A of their own beneath each other. */
function written(
  of: PeftModule,
  own: readonly LoraModule[],
  numbers: (path: string) => ArrayLike<number>,
  factors: (path: string) => number,
): WrittenModule {
  const rank = own.reduce((sum, module) => sum + module.rank, 0)
  const [{ scale }] = own
  const { from, to, module: whole } = of
  const a = new Float32Array(rank * from)
  const b = new Float32Array(rank * to.reduce((x, y) => x + y, 0))
  let first = 0
  for (const module of own) {
    const { rank: r } = module
    a.set(transposed(numbers(pathOfA(module)), from, r), first * from)
    for (const map of module.maps) {
      if (!whole.maps.includes(map)) continue
      const at = whole.maps.indexOf(map)
      const row = to.slice(0, at).reduce((x, y) => x + y, 0)
      const part = numbers(pathOfB(map)) // [r, M]
      const factor = factors(`${map}.weight`) * (module.scale / scale)
      for (let m = 0; m < to[at]; m++) {
        for (let j = 0; j < r; j++) b[(row + m) * rank + first + j] = part[j * to[at] + m] * factor
      }
    }
    first += r
  }
  return { of, rank, scale, a, b }
}

function keysOf(
  { dropout, useRslora, peft }: LoraConfig,
  model: GptConfig,
  known: readonly PeftModule[],
  modules: readonly WrittenModule[],
): Readonly<Record<string, unknown>> {
  const ranks = modules.map(({ rank }) => rank)
  const rank = mostCommon(ranks)
  const alphas = modules.map((module) => alphaOf(module, useRslora, peft?.['lora_alpha']))
  const alpha = mostCommon(alphas)
  const others = (values: readonly number[], usual: number): Record<string, number> =>
    Object.fromEntries(
      modules.flatMap(({ of }, i) => (values[i] === usual ? [] : [[`^${of.name}`, values[i]] as const])),
    )
  const has = new Set(modules.map(({ of }) => of.name))
  const shortNames = [...new Set(modules.map(({ of }) => shortName(of.name)))]
  const areWhole = known.every(
    ({ name }) => has.has(name) === shortNames.some((short) => isNamed(name, short)),
  )
  return {
    base_model_name_or_path: peft?.['base_model_name_or_path'] ?? null,
    ...{ peft_type: 'LORA', task_type: 'CAUSAL_LM', inference_mode: true },
    ...{ r: rank, lora_alpha: alpha, lora_dropout: dropout, use_rslora: useRslora, use_dora: false },
    target_modules: areWhole ? shortNames : [...has],
    ...{ exclude_modules: null, layers_to_transform: null, layers_pattern: null, modules_to_save: null },
    ...{ rank_pattern: others(ranks, rank), alpha_pattern: others(alphas, alpha) },
    ...{ fan_in_fan_out: model.positions === 'learned', bias: 'none', init_lora_weights: true },
  }
}

/** α of a module: the one that its file had, if it makes the same scale. */
function alphaOf({ rank, scale }: WrittenModule, useRslora: boolean, before: unknown): number {
  if (typeof before === 'number' && scaleOf(before, rank, useRslora) === scale) return before
  const alpha = scale * (useRslora ? Math.sqrt(rank) : rank)
  const whole = Math.round(alpha)
  return whole !== 0 && Math.abs(alpha - whole) < 1e-9 * Math.abs(whole) ? whole : alpha
}

function mostCommon(values: readonly number[]): number {
  const count = (value: number): number => values.filter((own) => own === value).length
  return values.reduce((best, value) => (count(value) > count(best) ? value : best))
}
