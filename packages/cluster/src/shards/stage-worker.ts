/** A stage at work: answers what the one who leads the stages asks of it. */
import { aGradientTransform, type GradientTransform } from '@burgeon/autograd/optim'
import type { CacheFormat, Disk } from '@burgeon/gpt'
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import {
  countIn,
  messageOf,
  integersIn,
  realsIn,
  readMessage,
  type StageMessage,
  writeMessage,
} from './work/message.ts'
import { ModelStage } from './model-stage.ts'
import { ShardError } from './shard-error.ts'
import { type MicroBatch, StageLearning } from './work/stage-learning.ts'
import { someRows, StageReadings } from './work/stage-reading.ts'
import { aDisk, writePart } from './saved/saved-stages.ts'

/** How a stage learns. */
export interface StageWorkerOptions {
  /**
   * The optimizer of this stage's parameters: the same as that of the other stages, or they part. It clips nothing
   * by a norm, for it sees the gradients of one stage alone: that is an option of `ShardedModel`. Without one the
   * stage reads and does not learn.
   */
  readonly optimizer?: GradientTransform
  /** Keeps the input and output of each block alone for the way back. False unless given. */
  readonly checkpointBlocks?: boolean
  /** The folder that all stages write their parts of a checkpoint into. None is written unless given. */
  readonly disk?: Disk
}

/** Names of errors that come through with their own type. */
const passedOn = ['NonFiniteError', 'OptionError', 'OutOfMemoryError', 'CheckpointError', 'StateError']

/**
 * A stage of a model, with its optimizer and what it remembers of texts that are read. It answers one leader: where
 * another begins, what the one before had under way is forgotten.
 */
export class StageWorker {
  readonly stage: ModelStage
  readonly #learning: StageLearning
  readonly #readings: StageReadings
  readonly #options: StageWorkerOptions
  #leader = ''
  #turn: Promise<unknown> = Promise.resolve()

  /** @throws OptionError for options that are none. */
  constructor(stage: ModelStage, options: StageWorkerOptions = {}) {
    checkArgument('StageWorker', 'stage', stage, checks.instance('a ModelStage', ModelStage))
    checkOptions('StageWorker', options, {
      optimizer: aGradientTransform,
      checkpointBlocks: checks.boolean,
      disk: aDisk,
    })
    this.stage = stage
    this.#options = options
    const { optimizer, checkpointBlocks = false } = options
    this.#learning = new StageLearning(stage, optimizer, checkpointBlocks)
    this.#readings = new StageReadings(stage)
  }

  /** Updates that the stage has made. */
  get step(): number {
    return this.#learning.step
  }

  /** Takes the step and the optimizer's state of a stage that was saved. Throws as the optimizer's `restore`. */
  restore(state: { readonly step: number; readonly optimizer: unknown }): void {
    this.#learning.restore(state)
  }

  /**
   * Answers a message, after those that came before. It never rejects: what goes wrong is an answer, too.
   *
   * @param payload As the leader writes it.
   */
  answer(payload: Uint8Array): Promise<Uint8Array> {
    const answered = this.#turn.then(() => this.#answered(payload))
    this.#turn = answered
    return answered
  }

  /** Frees what it holds, the stage's parameters among it. */
  dispose(): void {
    this.#forget()
    this.stage.dispose()
  }

  async #answered(payload: Uint8Array): Promise<Uint8Array> {
    try {
      return writeMessage(await this.#answerTo(readMessage(payload)))
    } catch (error) {
      const { name, message } = error as Error
      return writeMessage(
        messageOf('error', { name: passedOn.includes(name) ? name : 'ShardError', message }),
      )
    }
  }

  #forget(): void {
    this.#learning.abort()
    this.#readings.endAll()
  }

  async #answerTo(message: StageMessage): Promise<StageMessage> {
    const { kind, facts } = message
    if (kind === 'lead') {
      this.#forget()
      this.#leader = String(facts.leader)
      const { share, config } = this.stage
      return messageOf('stage', {
        share,
        config,
        step: this.step,
        learns: this.#options.optimizer !== undefined,
      })
    }
    if (facts.leader !== this.#leader) {
      throw new ShardError(
        `stage: got ${kind} of a leader that another has taken the place of. Connect again.`,
      )
    }
    return (await this.#learnt(message)) ?? (await this.#read(message)) ?? this.#unknown(kind)
  }

  #unknown(kind: string): never {
    throw new ShardError(`stage: got ${kind}, which it does not know. Are both sides of one version?`)
  }

  async #learnt(message: StageMessage): Promise<StageMessage | undefined> {
    const { kind } = message
    const learning = this.#learning
    if (kind === 'abort') {
      learning.abort()
      return messageOf('done')
    }
    if (kind === 'save') return this.#save(message)
    if (kind === 'update' && countIn(message, 'step') === this.step - 1) return messageOf('done')
    if (['forward', 'backward', 'tables', 'prepare', 'update'].includes(kind)) this.#checkStep(message)
    if (kind === 'forward') {
      const batch = this.#batchIn(message)
      if (!this.stage.isLast) return messageOf('stream', {}, { stream: await learning.forward(batch) })
      const { share, losses, cotangent } = await learning.loss(batch)
      return messageOf(
        'loss',
        {},
        {
          share: { shape: [1], data: Float64Array.of(share) },
          losses: { shape: [losses.length], data: losses },
          cotangent,
        },
      )
    }
    if (kind === 'backward') {
      const cotangent = realsIn(message, 'cotangent')
      return messageOf(
        'cotangent',
        {},
        {
          cotangent: await learning.backward(countIn(message, 'micro'), cotangent),
        },
      )
    }
    if (kind === 'tables') {
      if (message.numbers.size > 0) learning.setTableGradient(realsIn(message, 'table'))
      return messageOf('table', {}, { table: await learning.tableGradient() })
    }
    if (kind === 'prepare') {
      return messageOf(
        'squares',
        {},
        { squares: { shape: [1], data: Float64Array.of(await learning.prepare()) } },
      )
    }
    if (kind === 'update') {
      const [factor, norm] = realsIn(message, 'factor').data
      learning.update(factor, norm)
      return messageOf('done')
    }
    if (kind === 'evaluate') {
      const { share } = this.stage
      return messageOf(
        share.index === share.count - 1 ? 'losses' : 'stream',
        {},
        {
          stream: await learning.evaluate(this.#batchIn(message)),
        },
      )
    }
    return undefined
  }

  async #read(message: StageMessage): Promise<StageMessage | undefined> {
    const { kind, facts } = message
    const reading = String(facts.reading)
    if (kind === 'open') {
      checkArgument('stage', 'groups', facts.groups, someRows)
      this.#readings.open(reading, facts.groups, facts.format as CacheFormat)
      return messageOf('done')
    }
    if (kind === 'end') {
      this.#readings.end(reading)
      return messageOf('done')
    }
    if (kind !== 'read') return undefined
    const kept = facts.kept ?? null
    if (kept !== null) checkArgument('stage', 'kept', kept, someRows)
    const [group, from] = [countIn(message, 'group'), countIn(message, 'from')]
    const input = this.#inputIn(message)
    return messageOf(
      'stream',
      {},
      { stream: await this.#readings.read({ reading, group, kept, from, input }) },
    )
  }

  async #save(message: StageMessage): Promise<StageMessage> {
    this.#checkStep(message)
    const { disk } = this.#options
    if (disk === undefined) {
      throw new ShardError('stage: asked to save and has no disk; expected one. Give the worker a disk.')
    }
    const { parameters, share } = this.stage
    const name = `${String(message.facts.name)}-${share.index + 1}-of-${share.count}`
    const saved = await writePart(disk, name, share, parameters, await this.#learning.toState())
    return messageOf('saved', { ...saved })
  }

  #checkStep(message: StageMessage): void {
    const step = countIn(message, 'step')
    if (step === this.step) return
    throw new ShardError(
      `stage: got ${message.kind} of step ${step}; this stage is at ${this.step}. Read all stages from one checkpoint.`,
    )
  }

  #inputIn(message: StageMessage) {
    return this.stage.isFirst ? integersIn(message, 'input') : realsIn(message, 'input')
  }

  #batchIn(message: StageMessage): MicroBatch {
    const { isLast } = this.stage
    return {
      ...{ index: countIn(message, 'micro'), rows: countIn(message, 'rows') },
      input: this.#inputIn(message),
      ...(isLast && {
        targets: integersIn(message, 'targets'),
        counted: countIn(message, 'counted'),
      }),
    }
  }
}
