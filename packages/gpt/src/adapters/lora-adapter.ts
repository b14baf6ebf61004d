/** A low-rank adapter: numbers of its own that stand beside a model and leave it as it is. */
import {
  type Check,
  checkArgument,
  checkOptions,
  checks,
  checkState,
  type Device,
  fields,
  freshTensor,
  keyFromSeed,
  optional,
  ParameterError,
  ParameterStore,
  type PlainTensor,
  plainTensors,
  sameShape,
  scope,
  shown,
  type StateChecks,
  StateError,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import type { ParameterSpec } from '../config/parameters.ts'
import { sizeLimits } from '../config/size-limits.ts'
import type { AppliedAdapter } from './applied-adapter.ts'
import {
  fusedModule,
  type LoraBlock,
  loraConfig,
  type LoraConfig,
  type LoraModule,
  type LoraOptions,
} from './lora-config.ts'
import { blockIdOf, checkFits, loraSpecs } from './lora-parameters.ts'

/** What an adapter needs of its model; every `Gpt` has it. */
export interface AdaptableModel {
  readonly config: GptConfig
  readonly device: Device
}

/** Check of a model. */
export const anAdaptable: Check<AdaptableModel> = checks.role('a Gpt', 'config', 'device')

/** An adapter as plain data. */
export interface LoraState {
  readonly config: LoraConfig
  readonly weights: Readonly<Record<string, PlainTensor>>
}

/**
 * Beside linear maps y = x·W + b of a model: y + scale·(x·A)·B (Hu et al. 2022, section 4.1). Several may
 * stand beside one model at once; each row of a batch names its own (`ForwardOptions.adapters`).
 *
 * @example
 * ```ts
 * const adapter = LoraAdapter.create(model, { rank: 4, targets: ['query', 'value'] })
 * const options = { tokens: 8, tokenizer: byteTokenizer }
 * const [own, bare] = await model.generate(['Once', 'Once'], { ...options, adapters: [adapter, null] })
 * ```
 */
export class LoraAdapter implements AppliedAdapter {
  readonly device: Device
  /** A and B of every map, by path. */
  readonly parameters: ParameterStore = new ParameterStore()
  #config: LoraConfig

  /** Use `LoraAdapter.create`, `LoraAdapter.fromState` or `readAdapter`. */
  private constructor(config: LoraConfig, device: Device) {
    this.#config = config
    this.device = device
  }

  /**
   * A new adapter, which changes nothing until it has learnt.
   *
   * @param options See `LoraOptions`.
   * @param random `seed`: same seed, same numbers, on every device; 0 unless given.
   */
  static create(model: AdaptableModel, options: LoraOptions, random: { seed?: number } = {}): LoraAdapter {
    const who = 'LoraAdapter.create'
    checkArgument(who, 'model', model, anAdaptable)
    checkOptions(who, random, { seed: checks.seed })
    const config = loraConfig(who, model.config, options)
    const key = keyFromSeed(random.seed ?? 0)
    return LoraAdapter.#made(config, model, ({ path, shape, initial }) =>
      freshTensor(model.device, shape, initial, key, path),
    )
  }

  /**
   * The adapter that `toState` described, beside a model of the same sizes.
   *
   * @throws StateError for an invalid state, AdapterError for a model that it does not fit, ParameterError if
   *   numbers are missing, left over or of another shape.
   */
  static fromState(state: LoraState, model: AdaptableModel): LoraAdapter {
    const who = 'LoraAdapter.fromState'
    checkArgument(who, 'model', model, anAdaptable)
    const config = configOf(who, state)
    checkFits(who, config, model.config)
    checkStored(loraSpecs(model.config, config), state.weights)
    return LoraAdapter.#made(config, model, ({ path, shape }) =>
      model.device.tensor(state.weights[path].data, { shape, dtype: 'f32' }, path),
    )
  }

  static #made(
    config: LoraConfig,
    model: AdaptableModel,
    make: (spec: ParameterSpec) => Tensor,
  ): LoraAdapter {
    const adapter = new LoraAdapter(config, model.device)
    try {
      for (const spec of loraSpecs(model.config, config)) {
        scope(() => adapter.parameters.add(spec.path, spec.axes, make(spec)))
      }
    } catch (error) {
      adapter.dispose()
      throw error
    }
    return adapter
  }

  get config(): LoraConfig {
    return this.#config
  }

  /** Its present numbers, by path. */
  get weights(): TensorsByPath {
    return this.parameters.tensors()
  }

  /** Throws AdapterError for a model of other sizes than it was made for. */
  requireFit(model: AdaptableModel): void {
    checkArgument('LoraAdapter.requireFit', 'model', model, anAdaptable)
    checkFits('LoraAdapter.requireFit', this.#config, model.config)
  }

  async toState(): Promise<LoraState> {
    return { config: this.#config, weights: await plainTensors(this.parameters.tensors()) }
  }

  /**
   * Becomes the adapter that `toState` described.
   *
   * @throws As `fromState`; it is as it was then.
   */
  restore(state: LoraState, model: AdaptableModel): void {
    const other = LoraAdapter.fromState(state, model)
    this.parameters.dispose()
    for (const { path, axes, tensor } of other.parameters) this.parameters.add(path, axes, tensor)
    this.#config = other.#config
    other.dispose()
  }

  /** Frees its numbers; the model stays. */
  dispose(): void {
    this.parameters.dispose()
  }
}

const aSize = checks.integer({ from: 1 })
const aNumberBut0: Check<number> = {
  expected: 'a finite number other than 0',
  accepts: (value): value is number => Number.isFinite(value) && value !== 0,
}

const aModule = fields<LoraModule>('a module', {
  path: checks.text,
  maps: checks.list('a list of paths', checks.text),
  rank: checks.integer({ from: 1, to: sizeLimits.rank }),
  scale: aNumberBut0,
})

const aBlock = fields<LoraBlock>('a block', {
  id: checks.text,
  ...{ mlpHidden: aSize, heads: aSize, kvHeads: aSize, headDim: aSize, experts: aSize },
})

const configChecks: StateChecks<LoraConfig> = {
  modules: checks.list('a list of modules', aModule),
  dropout: checks.number({ from: 0, below: 1 }),
  useRslora: checks.boolean,
  embed: aSize,
  blocks: checks.list('a list of blocks', aBlock),
  peft: optional(checks.object<Readonly<Record<string, unknown>>>('the keys of adapter_config.json')),
}

/** The configuration in a state. Throws StateError for one that no adapter has. */
function configOf(who: string, state: LoraState): LoraConfig {
  checkState<LoraState>(who, state, {
    config: checks.object<LoraConfig>('a configuration'),
    weights: checks.object<LoraState['weights']>('tensors by path'),
  })
  const { modules, dropout, useRslora, embed, blocks, peft } = checkState<LoraConfig>(
    who,
    state.config,
    configChecks,
  )
  const seen = new Set<string>()
  for (const { path, maps } of modules) {
    const attention = path.slice(0, -'.qkv'.length)
    const isFused = path.endsWith('.qkv') && fusedModule(attention).maps.join() === maps.join()
    const isWhole = isFused || (maps.length === 1 && maps[0] === path)
    const isOnce = maps.every((map) => !seen.has(map))
    for (const map of maps) seen.add(map)
    if (isWhole && isOnce && blocks.some(({ id }) => id === blockIdOf(path))) continue
    throw new StateError(
      `${who}: got the module ${shown(path)} of ${shown(maps)}; expected a map of a known block, or its qkv, and each once.`,
    )
  }
  if (modules.length === 0) throw new StateError(`${who}: got no modules; expected one at least.`)
  return {
    modules: modules.map(({ path, maps, rank, scale }) => ({ path, maps, rank, scale })),
    ...{ dropout, useRslora, embed, blocks },
    ...(peft && { peft }),
  }
}

/** Throws ParameterError unless numbers are stored for each parameter, and for nothing else. */
function checkStored(specs: readonly ParameterSpec[], weights: LoraState['weights']): void {
  const known = new Set(specs.map(({ path }) => path))
  const extra = Object.keys(weights).find((path) => !known.has(path))
  if (extra !== undefined) {
    throw new ParameterError(`adapter state: ${shown(extra)} has no place in the configuration.`)
  }
  for (const { path, shape } of specs) {
    const saved = Object.hasOwn(weights, path) ? weights[path] : undefined
    const fits = Array.isArray(saved?.shape) && sameShape(saved.shape, shape)
    if (fits && checks.numbers.accepts(saved.data)) continue
    throw new ParameterError(
      `adapter state: ${path} is ${saved ? `of shape ${shown(saved.shape)}` : 'missing'}; expected [${shape.join(', ')}].`,
    )
  }
}
