/** One stage of a model: its own parameters, and what it computes with them. */
import {
  embedTokens,
  type Gpt,
  type GptConfig,
  type KeyValueCache,
  type ParameterSpec,
  readout,
  readoutLosses,
  throughSomeBlocks,
} from '@burgeon/gpt'
import {
  type Check,
  checkArgument,
  checkOptions,
  checks,
  defaultDevice,
  Device,
  freshTensor,
  keyFromSeed,
  OptionError,
  ParameterStore,
  reshape,
  scope,
  slice,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { aShare, refuseForms, splitStages, type StageShare, stageSpecs } from './stage-split.ts'

const aConfig: Check<GptConfig> = checks.role('a configuration of gptConfig', 'vocabulary', 'blocks')
const aDevice = checks.instance('a Device', Device)

/** A stage of a model. The rest of the model need not be in this process, nor on this machine. */
export class ModelStage {
  readonly device: Device
  readonly share: StageShare
  /** Of the whole model. */
  readonly config: GptConfig
  /** The same with the blocks of this stage alone: caches are made for this very object. */
  readonly ownConfig: GptConfig
  readonly parameters: ParameterStore = new ParameterStore()

  private constructor(config: GptConfig, share: StageShare, device: Device) {
    this.device = device
    this.share = share
    this.config = config
    this.ownConfig = { ...config, blocks: config.blocks.slice(share.first, share.end) }
  }

  /**
   * A stage of a new model: its weights are those that `Gpt.create` gives the whole one.
   *
   * @param options `seed`: 0 unless given. `device`: the default device unless given.
   * @throws OptionError for a share that is none of this model.
   */
  static create(
    config: GptConfig,
    share: StageShare,
    options: { readonly seed?: number; readonly device?: Device } = {},
  ): ModelStage {
    checkOptions('ModelStage.create', options, { seed: checks.seed, device: aDevice })
    const stage = ModelStage.#empty('ModelStage.create', config, share, options.device)
    const key = keyFromSeed(options.seed ?? 0)
    for (const spec of stageSpecs(config, share)) {
      stage.#add(spec, () => freshTensor(stage.device, spec.shape, spec.initial, key, spec.path))
    }
    return stage
  }

  /**
   * A stage whose numbers come one parameter after the other.
   *
   * @param numbersOf Is called for each parameter, in order, and awaited; returns as many numbers as its shape
   *   holds.
   * @throws OptionError for a share that is none, or another number of numbers; then nothing of it stays.
   */
  static async fromReader(
    config: GptConfig,
    share: StageShare,
    numbersOf: (spec: ParameterSpec) => Promise<ArrayLike<number>>,
    device: Device = defaultDevice(),
  ): Promise<ModelStage> {
    const who = 'ModelStage.fromReader'
    checkArgument(who, 'numbersOf', numbersOf, checks.callback('a function of a parameter'))
    checkArgument(who, 'device', device, aDevice)
    const stage = ModelStage.#empty(who, config, share, device)
    try {
      for (const spec of stageSpecs(config, share)) {
        const numbers = await numbersOf(spec)
        checkArgument(who, `numbersOf(${spec.path})`, numbers, checks.numbers)
        stage.#add(spec, () => device.tensor(numbers, { shape: spec.shape, dtype: 'f32' }, spec.path))
      }
    } catch (error) {
      stage.dispose()
      throw error
    }
    return stage
  }

  /**
   * A stage of a model that is here as a whole. Its numbers are a copy.
   *
   * @throws OptionError for a share that is none of this model.
   */
  static of(model: Gpt, share: StageShare): ModelStage {
    checkArgument(
      'ModelStage.of',
      'model',
      model,
      checks.role<Gpt>('a Gpt', 'config', 'parameters', 'device'),
    )
    const stage = ModelStage.#empty('ModelStage.of', model.config, share, model.device)
    for (const spec of stageSpecs(model.config, share)) {
      const { tensor } = model.parameters.get(spec.path)
      stage.#add(spec, () => reshape(tensor, tensor.shape))
    }
    return stage
  }

  static #empty(who: string, config: GptConfig, share: StageShare, device = defaultDevice()): ModelStage {
    checkArgument(who, 'config', config, aConfig)
    refuseForms(who, config)
    checkArgument(who, 'share', share, aShare)
    const { index, count, end } = share
    const { blocks } = config
    const isLast = index === count - 1
    if (count > blocks.length || (isLast ? end !== blocks.length : end >= blocks.length)) {
      throw new OptionError(
        `${who}: got stage ${index} of ${count} with blocks up to ${end} for a model of ${blocks.length}; expected a share of splitStages.`,
      )
    }
    return new ModelStage(config, share, device)
  }

  get isFirst(): boolean {
    return this.share.index === 0
  }

  get isLast(): boolean {
    return this.share.index === this.share.count - 1
  }

  /**
   * The residual stream above the last block of this stage, `f32 [B·T, C]`.
   *
   * @param input For the first stage tokens, `i32 [B, T]`; for others the stream below, `f32 [B·T, C]`.
   * @param w The parameters of the stage.
   */
  stream(
    input: Tensor,
    w: TensorsByPath,
    options: { readonly rows: number; readonly cache?: KeyValueCache; readonly checkpointBlocks?: boolean },
  ): Tensor {
    const { cache } = options
    const x = this.isFirst ? embedTokens(this.ownConfig, w, input, cache && { cache }) : input
    return throughSomeBlocks(this.ownConfig, w, x, options)
  }

  /** The losses of the predictions of a stream, `f32 [B·T]`: of the last stage. */
  losses(stream: Tensor, targets: Tensor, w: TensorsByPath): Tensor {
    return readoutLosses(this.ownConfig, w, stream, targets)
  }

  /** The logits after the last position of each row of a stream, `f32 [B, V]`: of the last stage. */
  lastLogits(stream: Tensor, rows: number, w: TensorsByPath): Tensor {
    const [N, C] = stream.shape
    const last = slice(reshape(stream, [rows, N / rows, C]), [0, N / rows - 1])
    return readout(this.ownConfig, w, reshape(last, [rows, C]))
  }

  dispose(): void {
    this.parameters.dispose()
  }

  #add({ path, axes }: ParameterSpec, make: () => Tensor): void {
    scope(() => this.parameters.add(path, axes, make()))
  }
}

/**
 * All stages of a model that is here as a whole: for one process, and for tests.
 *
 * @throws OptionError as `splitStages`.
 */
export function stagesOf(model: Gpt, stages: number): ModelStage[] {
  checkArgument('stagesOf', 'model', model, checks.role<Gpt>('a Gpt', 'config', 'parameters', 'device'))
  return splitStages(model.config, { stages }).map((share) => ModelStage.of(model, share))
}
