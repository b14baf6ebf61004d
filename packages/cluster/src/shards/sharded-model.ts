/** A model in stages, each in a process of its own: learns and writes as the whole model would. */
import {
  type CacheFormat,
  type Disk,
  generate,
  type Generated,
  type GeneratedToken,
  type GenerateOptions,
  type Generation,
  type GptConfig,
  type Prompt,
  type RemoteModel,
  type RemoteReading,
} from '@burgeon/gpt'
import { checkArgument, checkOptions, checks, NonFiniteError, OptionError } from '@burgeon/tensor'
import { messageOf, type Reals, realsIn } from './work/message.ts'
import { microBatches, type RowsOfTokens, throughPipeline, type WholeStep } from './work/pipeline.ts'
import { ShardError } from './shard-error.ts'
import { aStageLink, type StageLink } from './stage-link.ts'
import { saveStages } from './saved/save-stages.ts'
import { aDisk } from './saved/saved-stages.ts'
import { type StageFacts, Stages } from './work/stages.ts'
import { hasTwoTables } from './stage-split.ts'

/** How a model in stages learns. */
export interface ShardedModelOptions {
  /**
   * Parts of each batch that go through the stages one behind the other, so that all of them work (Huang et al.
   * 2019, section 2.3); as many as there are rows where those are fewer. As many as stages unless given.
   */
  readonly microBatches?: number
  /** Largest global norm of the gradients of all stages together; larger ones are scaled down. None unless given. */
  readonly clip?: number
}

/** What a step came to. */
export interface ShardedStep {
  /** Steps that have been made, this one included. */
  readonly step: number
  /** Mean loss before the update, in nats per prediction that counts. */
  readonly loss: number
  /** Loss of each prediction, row after row; 0 where none is to be made. */
  readonly losses: ArrayLike<number>
  /** Of all gradients, before clipping. */
  readonly gradientNorm: number
}

/** A model in stages. */
export class ShardedModel implements RemoteModel {
  /** Of the whole model. */
  readonly config: GptConfig
  readonly #stages: Stages
  readonly #options: ShardedModelOptions
  #step: number
  #readings = 0
  /** Opening a reading and changing weights take turns, or stages would read at different versions. */
  #turn: Promise<unknown> = Promise.resolve()
  #isLearning = false
  #torn: unknown

  private constructor(stages: Stages, { config, step }: StageFacts, options: ShardedModelOptions) {
    this.#stages = stages
    this.config = config
    this.#step = step
    this.#options = options
  }

  /**
   * Takes the lead of stages; what another leader had under way with them is forgotten.
   *
   * @param links One for each stage, from the input to the output.
   * @throws OptionError for options that are none; ShardError for stages that are not those of one model at one
   *   step, or cannot be reached.
   */
  static async connect(
    links: readonly StageLink[],
    options: ShardedModelOptions = {},
  ): Promise<ShardedModel> {
    const who = 'ShardedModel.connect'
    checkArgument(who, 'links', links, checks.list('a list of links', aStageLink))
    checkOptions(who, options, {
      microBatches: checks.integer({ from: 1 }),
      clip: checks.number({ above: 0 }),
    })
    const { stages, facts } = await Stages.lead(links)
    return new ShardedModel(stages, facts, options)
  }

  /** Steps that have been made. */
  get step(): number {
    return this.#step
  }

  /** Number of stages. */
  get stages(): number {
    return this.#stages.count
  }

  /**
   * Learns a batch: the mean loss over the predictions that count, its gradients by all stages, one update of each.
   *
   * @param batch Rows of tokens, such as a `TokenBatch` without weights.
   * @throws OptionError for another batch, or while another step is under way; NonFiniteError for a loss or gradients
   *   that are not finite; ShardError if a stage fails. Nothing was learnt then, unless the message says that
   *   stages are torn apart: from then on every step is refused, and all stages are to be read from a checkpoint.
   */
  async learn(batch: RowsOfTokens): Promise<ShardedStep> {
    const who = 'ShardedModel.learn'
    this.#refuseTorn(who)
    if (this.#isLearning)
      throw new OptionError(`${who}: the model is busy with another step; await it first.`)
    const whole = microBatches(who, this.config, batch, this.#options.microBatches ?? this.#stages.count)
    this.#isLearning = true
    try {
      const { loss, losses, gradientNorm } = await this.#gradients(who, whole)
      const { clip = Infinity } = this.#options
      // As `clipByGlobalNorm`: what is within the limit keeps every bit.
      const factor = gradientNorm + 1e-6 * clip <= clip ? 1 : clip / (gradientNorm + 1e-6 * clip)
      await this.#inTurn(() => this.#update(factor, gradientNorm))
      return { step: this.#step, loss, losses, gradientNorm }
    } finally {
      this.#isLearning = false
    }
  }

  /**
   * The loss of each prediction of a batch, in nats, row after row; 0 where none is to be made. Nothing is learnt.
   *
   * @throws OptionError for another batch, ShardError if a stage fails.
   */
  async losses(batch: RowsOfTokens): Promise<ArrayLike<number>> {
    this.#refuseTorn('ShardedModel.losses')
    const whole = microBatches('ShardedModel.losses', this.config, batch, 1)
    const results = await this.#inTurn(() =>
      throughPipeline(this.#stages, whole, { learns: false, step: this.#step }),
    )
    return results[0].losses
  }

  /** As that of `RemoteModel`: `generate` calls it. */
  async beginReading(groups: readonly number[], cacheFormat: CacheFormat = 'f32'): Promise<RemoteReading> {
    const who = 'ShardedModel.beginReading'
    checkArgument(
      who,
      'groups',
      groups,
      checks.list('a list of numbers of rows', checks.integer({ from: 1 })),
    )
    checkArgument(who, 'cacheFormat', cacheFormat, checks.oneOf('f32', 'f16', 'int8'))
    return this.#inTurn(async () => {
      this.#refuseTorn(who)
      const reading = `r${++this.#readings}`
      const stages = this.#stages
      const counts = [...groups]
      const end = async (): Promise<void> => {
        await Promise.allSettled(stages.all(messageOf('end', { reading })))
      }
      try {
        await Promise.all(stages.all(messageOf('open', { reading, groups, format: cacheFormat })))
      } catch (error) {
        await end()
        throw error
      }
      return {
        read: async ({ group, rows, from, tokens }) => {
          const facts = { reading, group, kept: rows, from }
          if (!Object.hasOwn(counts, group)) {
            throw new OptionError(`${who}: got group ${group} of ${counts.length}; expected one of those.`)
          }
          const B = (counts[group] = rows?.length ?? counts[group])
          let input = {
            shape: [B, tokens.length / B] as readonly number[],
            data: tokens as Int32Array | Reals,
          }
          for (let stage = 0; stage < stages.count; stage++) {
            const answer = await stages.ask(stage, messageOf('read', facts, { input }))
            input = realsIn(answer, 'stream')
          }
          return input.data as Reals
        },
        end,
      }
    })
  }

  /**
   * Continues a prompt, as `generate` says, with the weights of this moment in all stages.
   *
   * @throws As `generate`; OptionError for a draft, adapters or `weights: 'live'`; ShardError if a stage fails.
   */
  generate(prompt: string, options: GenerateOptions): Generation<string, Generated>
  generate(prompt: readonly Prompt[], options: GenerateOptions): Generation<GeneratedToken, Generated[]>
  generate(prompt: ArrayLike<number>, options: GenerateOptions): Generation<number, Generated>
  generate(prompt: never, options: GenerateOptions): Generation<unknown, unknown> {
    return generate(this, prompt, options)
  }

  /**
   * Has every stage write its part of a checkpoint, and puts the manifest of all in its place in one indivisible
   * step. The checkpoint before stays whole until then.
   *
   * @param disk The folder that the stages write into, as seen from here.
   * @throws ShardError if a stage fails, OptionError while a step is under way. The checkpoint before stays.
   */
  async save(disk: Disk): Promise<void> {
    checkArgument('ShardedModel.save', 'disk', disk, aDisk)
    this.#refuseTorn('ShardedModel.save')
    if (this.#isLearning) {
      throw new OptionError('ShardedModel.save: the model is busy with a step; await it first.')
    }
    return this.#inTurn(() => saveStages(this.#stages, disk, { config: this.config, step: this.#step }))
  }

  async #gradients(who: string, whole: WholeStep): Promise<Omit<ShardedStep, 'step'>> {
    const stages = this.#stages
    try {
      const results = await throughPipeline(stages, whole, { learns: true, step: this.#step })
      const loss = results.reduce((sum, { share }) => sum + share, 0)
      if (hasTwoTables(this.config, stages.shares[0])) await this.#joinTables()
      const squares = await Promise.all(stages.all(messageOf('prepare', { step: this.#step })))
      const total = squares.reduce((sum, answer) => sum + realsIn(answer, 'squares').data[0], 0)
      const gradientNorm = Math.sqrt(total)
      if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
        throw new NonFiniteError(
          `${who}: step ${this.#step + 1} has loss ${loss} and gradient norm ${gradientNorm}; expected finite numbers. Nothing was learnt from this batch.`,
        )
      }
      return { loss, losses: joined(results.map(({ losses }) => losses)), gradientNorm }
    } catch (error) {
      await Promise.allSettled(stages.all(messageOf('abort')))
      throw error
    }
  }

  /** The gradient of a table that is input and head is the sum of both stages': each gets all of it. */
  async #joinTables(): Promise<void> {
    const [stages, facts, last] = [this.#stages, { step: this.#step }, this.#stages.count - 1]
    const [below, above] = await Promise.all(
      [0, last].map(async (stage) => realsIn(await stages.ask(stage, messageOf('tables', facts)), 'table')),
    )
    const total = above.data.map((x, i) => x + below.data[i])
    const table = { shape: above.shape, data: total }
    await Promise.all([0, last].map((stage) => stages.ask(stage, messageOf('tables', facts, { table }))))
  }

  async #update(factor: number, norm: number): Promise<void> {
    const numbers = { factor: { shape: [2], data: Float64Array.of(factor, norm) } }
    const updated = await Promise.allSettled(
      this.#stages.all(messageOf('update', { step: this.#step }, numbers)),
    )
    const failed = updated.find((each) => each.status === 'rejected')
    if (failed === undefined) {
      this.#step++
      return
    }
    this.#torn = failed.reason
    this.#refuseTorn('ShardedModel.learn')
  }

  #refuseTorn(who: string): void {
    if (this.#torn === undefined) return
    throw new ShardError(
      `${who}: the stages are torn apart: in an update one of them failed (${(this.#torn as Error).message}) when others may have made it. Read all of them from a checkpoint.`,
      { cause: this.#torn },
    )
  }

  #inTurn<R>(body: () => Promise<R>): Promise<R> {
    const next = this.#turn.then(body)
    this.#turn = next.catch(() => {})
    return next
  }
}

const joined = (parts: readonly ArrayLike<number>[]): number[] => parts.flatMap((part) => Array.from(part))
