/** `adapter_config.json` of peft: what it says of each module. What cannot be represented is refused. */
import { shown } from '@burgeon/tensor'
import { sizeLimits } from '../../config/size-limits.ts'
import { ConfigKeys, type JsonObject } from '../../pretrained/config/config-keys.ts'
import { isNamed, type PeftModule } from './peft-modules.ts'

/**
 * Keys that change what an adapter computes, in ways that this one cannot. Null, false and an empty list or
 * object say nothing.
 */
const refused: readonly string[] = [
  ...['use_dora', 'use_qalora', 'use_bdlora', 'lora_bias', 'modules_to_save', 'layer_replication'],
  ...['trainable_token_indices', 'target_parameters', 'alora_invocation_tokens', 'arrow_config'],
  ...['loftq_config', 'ensure_weight_tying'],
]

/** Starts that leave the weights of the model as they are; the others (PiSSA, OLoRA, …) change them. */
const plainStarts: readonly unknown[] = [true, false, 'gaussian', 'eva', 'orthogonal']

/** What a file says. */
export interface PeftConfig {
  readonly useRslora: boolean
  readonly dropout: number
  rankOf(module: PeftModule): number
  alphaOf(module: PeftModule): number
  /** Whether the file says that a module has an adapter; undefined where only the tensors tell. */
  isTarget(module: PeftModule): boolean | undefined
  /** Throws PretrainedError for a module that has an adapter and must not have. */
  checkTarget(module: PeftModule): void
}

/**
 * Reads the keys, by peft's defaults.
 *
 * @param file What messages begin with.
 * @throws PretrainedError, naming the key.
 */
export function peftConfig(file: string, json: JsonObject): PeftConfig {
  const keys = new ConfigKeys(file, json)
  if (keys.get('peft_type') !== 'LORA') keys.refuse('peft_type', 'LORA')
  const task = keys.get('task_type') ?? 'CAUSAL_LM'
  if (task !== 'CAUSAL_LM') keys.refuse('task_type', 'CAUSAL_LM, or null')
  if (keys.text('bias', 'none') !== 'none') keys.refuse('bias', 'none: biases of the model stay as they are')
  for (const key of refused) {
    const value = keys.get(key) ?? false
    const isEmpty = typeof value === 'object' && Object.keys(value).length === 0
    if (value !== false && !isEmpty) keys.refuse(key, 'none: this cannot be represented')
  }
  if (!plainStarts.includes(keys.get('init_lora_weights') ?? true)) {
    keys.refuse('init_lora_weights', 'a start that leaves the weights of the model as they are')
  }
  keys.boolean('fan_in_fan_out', false)
  const dropout = keys.get('lora_dropout') ?? 0
  if (typeof dropout !== 'number' || !(dropout >= 0 && dropout < 1)) {
    keys.refuse('lora_dropout', 'a number from 0, below 1')
  }
  const [ranks, alphas] = ['rank_pattern', 'alpha_pattern'].map((key) => patternsOf(keys, key))
  const rank = keys.size('r', 8, sizeLimits.rank)
  const alpha = alphaIn(keys, 'lora_alpha', 8)
  const rankOf = ({ name }: PeftModule): number => {
    const key = ranks.find((own) => matches(name, own))
    return key === undefined ? rank : (keys.below('rank_pattern')?.size(key, rank, sizeLimits.rank) ?? rank)
  }
  const alphaOf = ({ name }: PeftModule): number => {
    const key = alphas.find((own) => matches(name, own))
    return key === undefined ? alpha : alphaIn(keys.below('alpha_pattern') ?? keys, key, alpha)
  }
  return {
    useRslora: keys.boolean('use_rslora', false),
    dropout: dropout as number,
    rankOf,
    alphaOf,
    ...targetsOf(keys),
  }
}

function alphaIn(keys: ConfigKeys, key: string, fallback: number): number {
  const value = keys.get(key) ?? fallback
  if (typeof value === 'number' && Number.isFinite(value) && value !== 0) return value
  return keys.refuse(key, 'a finite number other than 0')
}

/** The keys of a pattern. They are regular expressions; those that are plain paths are read, no others. */
function patternsOf(keys: ConfigKeys, key: string): readonly string[] {
  const found = Object.keys(keys.below(key)?.json ?? {})
  const odd = found.find((own) => !/^\^?(?:[\w-]|\\?\.)+$/.test(own))
  if (odd !== undefined)
    keys.refuse(key, `paths of modules, with ^ before a whole one; ${shown(odd)} is none`)
  return found
}

function matches(name: string, key: string): boolean {
  const path = key.replace(/^\^/, '').replaceAll('\\.', '.')
  return key.startsWith('^') ? name === path : isNamed(name, path)
}

function targetsOf(keys: ConfigKeys): Pick<PeftConfig, 'isTarget' | 'checkTarget'> {
  const targets = namesIn(keys, 'target_modules')
  const excluded = namesIn(keys, 'exclude_modules')
  const given = keys.get('layers_to_transform') ?? undefined
  const layers = given === undefined || Array.isArray(given) ? given : [given]
  if (layers?.some((layer: unknown) => !Number.isSafeInteger(layer) || (layer as number) < 0)) {
    keys.refuse('layers_to_transform', 'integers from 0')
  }
  const isIn = (names: readonly string[], { name }: PeftModule): boolean =>
    names.some((own) => isNamed(name, own))
  const isLayer = ({ layer }: PeftModule): boolean => layers === undefined || layers.includes(layer)
  return {
    isTarget(module) {
      if (targets === undefined || excluded === undefined) return undefined
      return (targets === 'all' || isIn(targets, module)) && isLayer(module) && !isIn(excluded, module)
    },
    checkTarget(module) {
      if (!isLayer(module))
        keys.refuse('layers_to_transform', `${module.layer} too, for ${module.name} has an adapter`)
      if (Array.isArray(targets) && targets.length > 0 && !isIn(targets, module)) {
        keys.refuse('target_modules', `${module.name} among them, for it has an adapter`)
      }
      if (excluded !== undefined && isIn(excluded, module)) {
        keys.refuse('exclude_modules', `no ${module.name}, for it has an adapter`)
      }
    },
  }

  /**
   * The names of a key; undefined for a regular expression, which no file of a stranger's is to run here:
   * then the tensors alone tell.
   */
  function namesIn(of: ConfigKeys, key: 'target_modules'): readonly string[] | 'all' | undefined
  function namesIn(of: ConfigKeys, key: 'exclude_modules'): readonly string[] | undefined
  function namesIn(of: ConfigKeys, key: string): readonly string[] | 'all' | undefined {
    const value = of.get(key) ?? []
    if (value === 'all-linear' && key === 'target_modules') return 'all'
    if (typeof value === 'string') return undefined
    const isList = Array.isArray(value) && value.every((name) => typeof name === 'string')
    return isList ? value : of.refuse(key, 'a list of names, or a string')
  }
}
