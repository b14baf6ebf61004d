/** The linear maps of a model by the names that peft's files have for them. */
import type { GptConfig } from '../../config/gpt-config.ts'
import type { ParameterSpec } from '../../config/parameters.ts'
import { PretrainedError } from '../../pretrained/config/pretrained-error.ts'
import { bareName, fileTensorOf } from '../../pretrained/tensor-names.ts'
import { fusedModule, type LoraModule } from '../lora-config.ts'
import { mapsOf, sidesOf } from '../lora-parameters.ts'

/** A linear map of a file, which may be several of ours side by side. */
export interface PeftModule {
  /** With the prefix that files of the class have, for example `model.layers.0.self_attn.q_proj`. */
  readonly name: string
  /** Counted from 0. */
  readonly layer: number
  /** As a module of an adapter that covers all of it. */
  readonly module: Pick<LoraModule, 'path' | 'maps'>
  /** Numbers that it reads, K. */
  readonly from: number
  /** Numbers that each of its maps makes. */
  readonly to: readonly number[]
}

/** All linear maps of a model by their names without prefix; those of experts have none in files. */
export function peftModules(config: GptConfig): ReadonlyMap<string, PeftModule> {
  const found = new Map<string, PeftModule>()
  for (const [layer, { id, expertShares }] of config.blocks.entries()) {
    for (const [map, spec] of mapsOf(config, id)) {
      if (expertShares !== undefined && map.includes('.mlp.')) continue
      const name = nameOf(config, spec)
      if (name === undefined) continue
      const { from, to } = sidesOf(map, spec.shape)
      const before = found.get(bareName(name))
      found.set(bareName(name), {
        ...{ name, layer, from },
        to: [...(before?.to ?? []), to],
        module: before ? fusedModule(`blocks.${id}.attention`) : { path: map, maps: [map] },
      })
    }
  }
  return found
}

/** The name of a map; undefined of one that no file of the class has, such as a gate in GPT-2. */
function nameOf(config: GptConfig, spec: ParameterSpec): string | undefined {
  try {
    return fileTensorOf(config, spec).name.slice(0, -'.weight'.length)
  } catch (error) {
    if (error instanceof PretrainedError) return undefined
    throw error
  }
}

/** A name of a file for a message: all of it, unless it is absurdly long. */
export const quoted = (name: string): string =>
  JSON.stringify(name.length > 300 ? `${name.slice(0, 300)}…` : name)

/** Whether an entry of `target_modules`, or a key of a pattern, names a module: its path or the end of it. */
export const isNamed = (name: string, by: string): boolean =>
  [name, bareName(name)].some((path) => path === by || path.endsWith(`.${by}`))

/** What a module is usually called in `target_modules`: its last name, or two where one is not enough. */
export function shortName(name: string): string {
  const parts = name.split('.')
  return parts.slice(parts.at(-1) === 'c_proj' ? -2 : -1).join('.')
}
