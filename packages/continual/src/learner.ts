/** The learner: the whole life of one mini-batch, from prediction to growth, top to bottom in `observe`. */
import { chain, type GradientTransform, type LossScale } from '@burgeon/autograd'
import { Gpt } from '@burgeon/gpt'
import { keptBytesOf, stateBytesOf } from '@burgeon/gpt/growth'
import {
  checkArgument,
  type Device,
  foldIn,
  type Key,
  keyFromSeed,
  type Mirror,
  OptionError,
} from '@burgeon/tensor'
import { noticeDrift } from './drift/notice-drift.ts'
import { checkFollows } from './growth/check-follows.ts'
import { growIfWanted } from './growth/grow-if-wanted.ts'
import { type GrowthBudget, type GrowthSignals, lossWindow } from './growth/growth-policy.ts'
import { extendJournal } from './journal.ts'
import { type LearningParts, learnWithRecall } from './learn-batch.ts'
import { checkLearnerOptions, checkRestored, type LearnerOptions, someData } from './learner-options.ts'
import type { LearnerState } from './learner-state.ts'
import { bitsPerByte } from './metrics/prequential.ts'
import { consolidate } from './penalty/consolidate.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { type Prediction, predictText } from './predict.ts'
import { recentRows } from './rehearsal/recent-rows.ts'
import type { Rehearsal } from './rehearsal/rehearsal.ts'
import type { LearnerEvent, StepReport } from './step-report.ts'
import { partNames, type Strategy } from './strategy.ts'
import { type Batch, withinContext } from './stream/batch.ts'
import { batchOf, bytesOf } from './vocabulary/encode-batch.ts'
import { growVocabulary } from './vocabulary/grow-vocabulary.ts'

/** Rows of memory by which a penalty judges what is important. */
const consolidationRows = 32

/** A model that lives on a stream: it predicts, learns, protects what it knows, and grows. */
export class Learner {
  readonly model: Gpt
  readonly strategy: Strategy
  readonly budget: GrowthBudget
  readonly #optimizer: GradientTransform
  readonly #lossScale: LossScale | undefined
  readonly #checkpointBlocks: boolean
  readonly #mirrors: readonly Mirror[]
  /** The rehearsal; without one, the latest rows, if there is a penalty that judges by them. */
  readonly #memory: Rehearsal | undefined
  readonly #key: Key
  readonly #now: (() => number) | undefined
  readonly #alone = oneAtATime()
  #journal: LearnerEvent[] = []
  #losses: readonly number[] = []
  #policyState: unknown
  #step = 0
  #lastGrowth = 0
  #lastDrift: number | null = null
  #overflows = 0
  #busy = false

  /** @throws OptionError if a part keeps state shaped like parameters but cannot follow growth, for a part that could never do anything beside the others, for a loss scale beside a look-ahead, or options that are none. */
  constructor(options: LearnerOptions) {
    checkLearnerOptions(options)
    const { model, optimizer, lossScale, checkpointBlocks = false } = options
    const { strategy = {}, budget = { parameters: Infinity }, seed = 0, now } = options
    this.model = model
    this.strategy = strategy
    this.budget = budget
    this.#lossScale = lossScale
    this.#checkpointBlocks = checkpointBlocks
    const { transforms = [], lookAhead } = strategy
    this.#optimizer = chain(
      ...(lossScale ? [lossScale] : []),
      ...transforms,
      ...(lookAhead ? [lookAhead] : []),
      optimizer,
    )
    this.#mirrors = [
      ...this.#optimizer.mirrors,
      ...(strategy.penalties ?? []).flatMap(({ mirrors }) => mirrors),
    ]
    this.#memory =
      strategy.rehearsal ?? (strategy.penalties?.length ? recentRows(consolidationRows) : undefined)
    this.#key = keyFromSeed(seed)
    this.#now = now
    this.#policyState = strategy.growth?.initial ?? null
    checkFollows(this.#mirrors, strategy)
  }

  /** Updates made so far. */
  get step(): number {
    return this.#step
  }

  /** Every growth from the beginning; of drift alarms, consolidations and the rest the latest 4096. */
  get journal(): readonly LearnerEvent[] {
    return this.#journal
  }

  /**
   * Lives one mini-batch: predicts it, learns it, and looks after itself.
   *
   * @param data A batch whose rows are no longer than the context, of bytes or any tokens of the vocabulary, or a text of two bytes or more.
   * @throws NonFiniteError if the loss, a gradient or the change of the weights is not finite, OptionError for a learning rate that is
   *   none: nothing has been learnt then, and the learner is as it was, its random streams included. OptionError if called
   *   again before the last call was done.
   */
  async observe(data: Batch | string): Promise<StepReport> {
    checkArgument('Learner: observe', 'data', data, someData)
    if (this.#busy)
      throw new OptionError('learner: observe was called before the last one was done; await it first.')
    this.#busy = true
    try {
      return await this.#alone(() => this.#live(data))
    } finally {
      this.#busy = false
    }
  }

  async #live(data: Batch | string): Promise<StepReport> {
    const { strategy } = this
    const fresh = batchOf(data, this.model, strategy.vocabulary)
    const { learnt, old } = await learnWithRecall(this.#learningParts(), fresh, strategy.rehearsal)
    this.#step++
    const bytes = bytesOf(fresh, strategy.vocabulary?.tokenizer)
    const lossPerByte = learnt.loss * (learnt.tokens / bytes.length)
    this.#losses = [...this.#losses, lossPerByte].slice(-lossWindow)
    const drift = noticeDrift(strategy, { step: this.#step, bitsPerByte: bitsPerByte(lossPerByte), bytes })
    if (drift.length > 0) this.#lastDrift = this.#step
    const isOverflow = !Number.isFinite(learnt.gradientNorm)
    this.#overflows = isOverflow ? this.#overflows + 1 : 0
    const overflow: LearnerEvent[] = isOverflow ? [{ kind: 'overflow', step: this.#step }] : []
    // What is important is judged by what came before this batch.
    const consolidated = consolidate(strategy, {
      signals: { ...this.#signals(), drift: drift.length > 0 },
      model: this.model,
      sample: () =>
        withinContext(this.#memory?.sample(consolidationRows) ?? fresh, this.model.config.context),
    })
    this.#memory?.remember(fresh)
    const happened = [...overflow, ...drift, ...consolidated, ...(await this.#grow(fresh, drift.length > 0))]
    const events = [...happened, ...(await this.#freeze(fresh, happened))]
    this.#journal = extendJournal(this.#journal, events, ({ kind }) => kind)
    return {
      ...learnt,
      step: this.#step,
      bytes: bytes.length,
      bitsPerByte: bitsPerByte(lossPerByte),
      domains: fresh.domains,
      rehearsedRows: old?.rows ?? 0,
      parameters: this.model.parameters.size,
      events,
    }
  }

  /** How well a text is predicted and what would come next. Never changes state. */
  predict(text: string): Promise<Prediction> {
    return predictText(this.model, text, this.strategy.vocabulary?.tokenizer)
  }

  async #grow(recent: Batch, drift: boolean): Promise<LearnerEvent[]> {
    const { model, budget, strategy } = this
    const ground = {
      ...{ budget, model, recent, mirrors: this.#mirrors, key: foldIn(this.#key, this.#step) },
      ...(this.#now && { now: this.#now }),
    }
    const words = await growVocabulary({
      ...ground,
      vocabulary: strategy.vocabulary,
      memory: this.#memory,
      signals: { ...this.#signals(), drift },
    })
    const { growth: policy } = strategy
    if (policy === undefined) return words
    const [policyBefore, hasVocabulary] = [this.#policyState, strategy.vocabulary !== undefined]
    const turn = { ...ground, policy, policyState: policyBefore, signals: this.#signals(), hasVocabulary }
    const { events, policyState } = await growIfWanted(turn)
    this.#policyState = policyState
    if (events.some(({ kind }) => kind === 'growth')) this.#lastGrowth = this.#step
    return [...words, ...events]
  }

  async #freeze(recent: Batch, events: readonly LearnerEvent[]): Promise<LearnerEvent[]> {
    const { model, strategy } = this
    const disturbance = events.find(({ kind }) => kind === 'drift' || kind === 'growth')?.kind ?? null
    return (await strategy.freezing?.observe({ model, recent, step: this.#step, disturbance })) ?? []
  }

  #signals(): GrowthSignals {
    return {
      step: this.#step,
      losses: this.#losses,
      stepsSinceGrowth: this.#step - this.#lastGrowth,
      stepsSinceDrift: this.#lastDrift === null ? null : this.#step - this.#lastDrift,
      config: this.model.config,
      parameters: this.model.parameters.size,
      stateBytes: stateBytesOf(this.#mirrors, this.model.parameters.size),
      keptBytes: keptBytesOf(this.model.growthLog),
    }
  }

  #learningParts(): LearningParts {
    const { model, strategy } = this
    return {
      model,
      optimizer: this.#optimizer,
      checkpointBlocks: this.#checkpointBlocks,
      shares: strategy.freezing?.sharesAt(this.#step) ?? [],
      ...(this.#lossScale && { lossScale: this.#lossScale, overflows: this.#overflows }),
      penalties: strategy.penalties ?? [],
      ...(strategy.lookAhead && { lookAhead: strategy.lookAhead }),
      step: this.#step,
    }
  }

  /** Lets go of what it keeps beside the model (moments, importance, anchors); it cannot go on after this. The model can. */
  dispose(): void {
    for (const mirror of this.#mirrors) mirror.dispose?.()
    this.#lossScale?.dispose()
  }

  /** Everything it knows, between two steps: waits for the one at hand. It leads a resumed learner to the same bits. */
  toState(): Promise<LearnerState> {
    const { detector, watches = [], vocabulary, freezing, penalties = [] } = this.strategy
    return this.#alone(async () => ({
      parts: partNames(this.#optimizer, this.strategy),
      model: await this.model.toState(),
      optimizer: await this.#optimizer.toState(),
      penalties: await Promise.all(penalties.map((penalty) => penalty.toState())),
      rehearsal: this.#memory?.toState() ?? null,
      detector: detector?.toState() ?? null,
      watches: watches.map((watch) => watch.toState()),
      policy: this.#policyState,
      vocabulary: vocabulary?.toState() ?? null,
      freezing: freezing?.toState() ?? null,
      step: this.#step,
      losses: this.#losses,
      lastGrowth: this.#lastGrowth,
      lastDrift: this.#lastDrift,
      journal: [...this.#journal],
    }))
  }

  /**
   * The learner that `toState` described.
   *
   * @param options The same optimiser and strategy that it was built from, freshly made.
   * @throws StateError for what is no such state, OptionError if the parts differ from those of the saved learner, and what its parts and
   *   `Gpt.fromState` throw. Parts that had taken their state by then are those of no learner: try another state with fresh ones.
   */
  static fromState(
    state: LearnerState,
    options: Omit<LearnerOptions, 'model'> & { device?: Device },
  ): Learner {
    checkRestored(state, options)
    const { device, ...own } = options
    const model = Gpt.fromState(state.model, device)
    try {
      const learner = new Learner({ ...own, model })
      learner.#restore(state)
      return learner
    } catch (error) {
      model.dispose()
      throw error
    }
  }

  #restore(state: LearnerState): void {
    const { strategy } = this
    const { parameters } = this.model
    const parts = partNames(this.#optimizer, strategy)
    if (parts.join() !== state.parts.join()) {
      throw new OptionError(
        `learner: the saved one was made of ${state.parts.join(', ')}; got ${parts.join(', ')}. Build it the same way.`,
      )
    }
    this.#optimizer.restore(state.optimizer, parameters)
    strategy.penalties?.forEach((penalty, i) => penalty.restore(state.penalties[i], parameters))
    // A learner that was saved by an earlier version kept no rows unless it rehearsed.
    if (state.rehearsal !== null) this.#memory?.restore(state.rehearsal)
    strategy.detector?.restore(state.detector)
    strategy.watches?.forEach((watch, i) => watch.restore(state.watches?.[i]))
    strategy.freezing?.restore(state.freezing)
    // Last: a tokenizer that has grown cannot take another state than one that goes on from it.
    strategy.vocabulary?.restore(state.vocabulary)
    this.#policyState = state.policy
    this.#step = state.step
    this.#losses = state.losses
    this.#lastGrowth = state.lastGrowth
    this.#lastDrift = state.lastDrift
    this.#journal = extendJournal([...state.journal], [], ({ kind }) => kind)
  }
}
