/**
 * A GPT: its configuration, its parameters and the device they live on. What one does with it are functions
 * beside it.
 */
import {
  checkArgument,
  checkOptions,
  checks,
  defaultDevice,
  Device,
  freshTensor,
  keyFromSeed,
  ParameterError,
  ParameterStore,
  type PlainTensor,
  plainTensors,
  sameShape,
  scope,
  shown,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { forward, losses } from './forward/forward.ts'
import type { ForwardOptions, LossOptions } from './forward/forward-options.ts'
import { generate } from './generation/generate.ts'
import type { GenerateOptions, Prompt } from './generation/generate-options.ts'
import type { Generation } from './generation/generation.ts'
import type { Generated, GeneratedToken } from './generation/generation-row.ts'
import { type GrowthLog, logFromState, withinKept } from './growth/plan/growth-log.ts'
import { type GrowthAccess, grantGrowth } from './growth-access.ts'
import { configFromState } from './config/config-from-state.ts'
import { aConfig, type GptConfig, hasBias } from './config/gpt-config.ts'
import { type GptSizes, gptConfig, sizeChecks } from './config/gpt-sizes.ts'
import { type ParameterSpec, parameterSpecs } from './config/parameters.ts'

/** A model as plain data. */
export interface GptState {
  readonly config: GptConfig
  readonly weights: Readonly<Record<string, PlainTensor>>
  /**
   * How it came to its sizes; none of a model that was saved by an earlier version, which then counts as born
   * with them.
   */
  readonly growth?: GrowthLog
}

/** A transformer whose parameters keep their paths and handles while they grow. */
export class Gpt {
  readonly device: Device
  readonly parameters: ParameterStore = new ParameterStore()
  #config: GptConfig
  #log: GrowthLog
  #holds = 0

  /** Use `Gpt.create` or `Gpt.fromState`. */
  private constructor(config: GptConfig, device: Device) {
    this.#config = config
    this.#log = { birth: config, entries: [] }
    this.device = device
    grantGrowth(this, this.#access())
  }

  /**
   * A new model with random weights.
   *
   * @param sizes See `GptSizes`.
   * @param options `seed`: same seed, same weights, on every device; 0 unless given.
   */
  static create(sizes: GptSizes, options: { seed?: number; device?: Device } = {}): Gpt {
    checkOptions('Gpt.create', sizes, sizeChecks)
    checkOptions('Gpt.create', options, {
      seed: checks.seed,
      device: checks.instance('a Device', Device),
    })
    const model = new Gpt(gptConfig(sizes), options.device ?? defaultDevice())
    const key = keyFromSeed(options.seed ?? 0)
    for (const spec of parameterSpecs(model.config)) {
      model.#add(spec, () => freshTensor(model.device, spec.shape, spec.initial, key, spec.path))
    }
    return model
  }

  /**
   * A model from plain data, also of an earlier version.
   *
   * @throws OptionError for an invalid configuration or a growth log that does not lead to it,
   *   ParameterError if weights are missing, left over or of another shape.
   */
  static fromState(state: GptState, device: Device = defaultDevice()): Gpt {
    checkArgument(
      'Gpt.fromState',
      'state',
      state,
      checks.role<GptState>('a model state', 'config', 'weights'),
    )
    checkArgument('Gpt.fromState', 'device', device, checks.instance('a Device', Device))
    const config = configFromState(state.config)
    checkArgument('Gpt.fromState', 'weights', state.weights, checks.object('tensors by path'))
    checkCount(config, state.weights)
    const specs = new Map(parameterSpecs(config).map((spec) => [spec.path, spec]))
    const saved = Object.keys(state.weights)
    const extra = saved.find((path) => !specs.has(path))
    if (extra !== undefined)
      throw new ParameterError(`model state: ${extra} has no place in the configuration.`)
    for (const spec of specs.values()) checkStored(spec, state.weights)
    const model = new Gpt(config, device)
    if (state.growth) model.#log = logFromState(state.growth, config)
    try {
      // In the order of the saved model, where a grown block stands last: the last bit of a norm over all
      // parameters depends on it.
      const inOrder = [...saved.flatMap((path) => specs.get(path) ?? []), ...specs.values()]
      for (const spec of new Set(inOrder)) {
        const { data } = state.weights[spec.path]
        model.#add(spec, () => device.tensor(data, { shape: spec.shape, dtype: 'f32' }, spec.path))
      }
    } catch (error) {
      model.dispose()
      throw error
    }
    return model
  }

  /**
   * A model whose numbers come one parameter after the other, so that they are never all held twice.
   *
   * @param numbersOf Is called for each parameter, in order, and awaited; returns as many numbers as its
   *   shape holds.
   * @throws OptionError for an invalid configuration or another number of numbers; then nothing of it stays.
   */
  static async fromReader(
    config: GptConfig,
    numbersOf: (spec: ParameterSpec) => Promise<ArrayLike<number>>,
    device: Device = defaultDevice(),
  ): Promise<Gpt> {
    checkArgument('Gpt.fromReader', 'config', config, aConfig)
    checkArgument('Gpt.fromReader', 'numbersOf', numbersOf, checks.callback('a function of a parameter'))
    checkArgument('Gpt.fromReader', 'device', device, checks.instance('a Device', Device))
    const model = new Gpt(configFromState(config), device)
    try {
      for (const spec of parameterSpecs(model.config)) {
        const numbers = await numbersOf(spec)
        checkArgument('Gpt.fromReader', `numbersOf(${spec.path})`, numbers, checks.numbers)
        model.#add(spec, () => device.tensor(numbers, { shape: spec.shape, dtype: 'f32' }, spec.path))
      }
    } catch (error) {
      model.dispose()
      throw error
    }
    return model
  }

  get config(): GptConfig {
    return this.#config
  }

  /** How it came to its sizes: append-only, and part of its state. */
  get growthLog(): GrowthLog {
    return this.#log
  }

  /** Whether somebody works with its weights, so that it cannot grow now (`holdModel`). */
  get isHeld(): boolean {
    return this.#holds > 0
  }

  /**
   * Predicts the next token after every token.
   *
   * @param tokens `i32 [B, T]`.
   * @param weights Other weights of the same shapes, such as those a gradient is taken by.
   * @returns Logits, `f32 [B·T, V]`; with `lastOnly` `f32 [B, V]`.
   */
  forward(
    tokens: Tensor,
    weights: TensorsByPath = this.parameters.tensors(),
    options: ForwardOptions = {},
  ): Tensor {
    return forward(this.#config, weights, tokens, options)
  }

  /**
   * The loss of every prediction, in nats: what training needs, without holding all logits where they would
   * be very many.
   *
   * @param tokens `i32 [B, T]`.
   * @param targets `i32 [B·T]`: the next tokens; a negative one is not counted.
   * @param weights As in `forward`.
   * @returns `f32 [B·T]`.
   */
  losses(
    tokens: Tensor,
    targets: Tensor,
    weights: TensorsByPath = this.parameters.tensors(),
    options: LossOptions = {},
  ): Tensor {
    return losses(this.#config, weights, tokens, targets, options)
  }

  /**
   * Continues a prompt: `generate` of this model, which says more.
   *
   * @example
   * ```ts
   * const { tokens } = await model.generate([1, 2], { tokens: 8, topK: 40 })
   * ```
   */
  generate(prompt: string, options: GenerateOptions): Generation<string, Generated>
  generate(prompt: readonly Prompt[], options: GenerateOptions): Generation<GeneratedToken, Generated[]>
  generate(prompt: ArrayLike<number>, options: GenerateOptions): Generation<number, Generated>
  generate(prompt: never, options: GenerateOptions): Generation<unknown, unknown> {
    return generate(this, prompt, options)
  }

  async toState(): Promise<GptState> {
    const weights = await plainTensors(this.parameters.tensors())
    return { config: this.#config, weights, growth: this.#log }
  }

  dispose(): void {
    this.parameters.dispose()
  }

  #access(): GrowthAccess {
    return {
      reconfigure: (config) => {
        this.#config = config
      },
      log: (entry, maxKept) => {
        this.#log = withinKept({ ...this.#log, entries: [...this.#log.entries, entry] }, maxKept)
      },
      resumeLog: (log) => {
        this.#log = log
      },
      hold: () => {
        this.#holds++
        let isReleased = false
        return {
          [Symbol.dispose]: () => {
            if (!isReleased) this.#holds--
            isReleased = true
          },
        }
      },
    }
  }

  #add({ path, axes }: ParameterSpec, make: () => Tensor): void {
    scope(() => this.parameters.add(path, axes, make()))
  }
}

/**
 * Throws ParameterError for blocks that cannot all be among so many tensors, before each of their parameters
 * is listed.
 */
function checkCount(config: GptConfig, weights: GptState['weights']): void {
  const stored = Object.keys(weights ?? {}).length
  const { blocks } = config
  // Two maps for each expert; four for attention; two norms.
  const [inAttention, inExpert] = [
    2 + 4 + (hasBias(config, 'qkv') ? 3 : 0) + (hasBias(config, 'output') ? 1 : 0),
    hasBias(config, 'mlp') ? 4 : 2,
  ]
  const least = blocks.reduce(
    (total, { expertShares }) => total + inAttention + inExpert * (expertShares?.length ?? 1),
    0,
  )
  if (least <= stored) return
  throw new ParameterError(
    `model state: ${blocks.length} blocks have ${least} tensors or more, and ${stored} are stored; expected those of the configuration. ` +
      'Something is missing. Is the file whole?',
  )
}

/** Throws ParameterError unless a parameter is stored, with its shape. */
function checkStored(spec: ParameterSpec, weights: GptState['weights']): void {
  const saved = Object.hasOwn(weights, spec.path) ? weights[spec.path] : undefined
  const fits = Array.isArray(saved?.shape) && sameShape(saved.shape, spec.shape)
  if (fits && checks.numbers.accepts(saved.data)) return
  throw new ParameterError(
    `model state: ${spec.path} is ${saved ? `of shape ${shown(saved.shape)}${fits ? ' without numbers' : ''}` : 'missing'}; ` +
      `expected [${spec.shape.join(', ')}] by the configuration.`,
  )
}
