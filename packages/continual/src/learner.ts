/** The learner: the whole life of one mini-batch, from prediction to growth, top to bottom in `observe`. */
import { chain, type GradientTransform, type LossScale } from '@burgeon/autograd'
import { Gpt } from '@burgeon/gpt'
import { stateBytesOf } from '@burgeon/gpt/growth'
import { type Device, foldIn, type Key, keyFromSeed, type Mirror, OptionError } from '@burgeon/tensor'
import { checkFollows } from './growth/check-follows.ts'
import { growIfWanted } from './growth/grow-if-wanted.ts'
import { type GrowthBudget, type GrowthSignals, lossWindow } from './growth/growth-policy.ts'
import { checkBudget } from './growth/within-budget.ts'
import { learnBatch } from './learn-batch.ts'
import type { LearnerState } from './learner-state.ts'
import { bitsPerByte } from './metrics/prequential.ts'
import { type Prediction, predictText } from './predict.ts'
import type { LearnerEvent, StepReport } from './step-report.ts'
import type { Strategy } from './strategy.ts'
import type { Batch } from './stream/batch.ts'
import { onDrift } from './trigger.ts'
import { batchOf, bytesPredicted } from './vocabulary/encode-batch.ts'
import { growVocabulary } from './vocabulary/grow-vocabulary.ts'

/** What a learner is made of. */
export interface LearnerOptions {
  readonly model: Gpt
  /** Turns gradients into changes of the weights. */
  readonly optimizer: GradientTransform
  /** For a device of mixed precision: keeps small slopes from vanishing. None unless given. */
  readonly lossScale?: LossScale
  /** Computes each block again on the way back instead of keeping what is in it: less memory, more time. False unless given. */
  readonly checkpointBlocks?: boolean
  /** Plain fine-tuning unless given. */
  readonly strategy?: Strategy
  /** No limit unless given. */
  readonly budget?: GrowthBudget
  /** Of the random stream for new weights; 0 unless given. */
  readonly seed?: number
  /** A clock in milliseconds, such as `performance.now`: then the journal says how long each growth took. */
  readonly now?: () => number
}

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
  readonly #key: Key
  readonly #now: (() => number) | undefined
  #journal: LearnerEvent[] = []
  #losses: readonly number[] = []
  #policyState: unknown
  #step = 0
  #lastGrowth = 0
  #lastDrift: number | null = null
  #overflows = 0
  #busy = false

  /** @throws OptionError if a part keeps state shaped like parameters but cannot follow growth, for a loss scale beside a look-ahead, or a budget that is none. */
  constructor({
    model,
    optimizer,
    lossScale,
    checkpointBlocks = false,
    strategy = {},
    budget = { parameters: Infinity },
    seed = 0,
    now,
  }: LearnerOptions) {
    checkBudget('learner', budget)
    this.model = model
    this.strategy = strategy
    this.budget = budget
    this.#lossScale = lossScale
    this.#checkpointBlocks = checkpointBlocks
    const { transforms = [], lookAhead } = strategy
    if (lossScale && lookAhead)
      throw new OptionError(
        `learner: got a loss scale and ${lookAhead.name}, whose rates know no scale; keep one.`,
      )
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
    this.#key = keyFromSeed(seed)
    this.#now = now
    this.#policyState = strategy.growth?.initial ?? null
    checkFollows(this.#mirrors, strategy)
  }

  /** Updates made so far. */
  get step(): number {
    return this.#step
  }

  /** Drift alarms, consolidations and growth, from the beginning. */
  get journal(): readonly LearnerEvent[] {
    return this.#journal
  }

  /**
   * Lives one mini-batch: predicts it, learns it, and looks after itself.
   *
   * @param data A batch whose rows are no longer than the context, of bytes or any tokens of the vocabulary, or a text of two bytes or more.
   * @throws NonFiniteError if the loss or a gradient is not finite; nothing has been learnt then. OptionError if called
   *   again before the last call was done.
   */
  async observe(data: Batch | string): Promise<StepReport> {
    if (this.#busy)
      throw new OptionError('learner: observe was called before the last one was done; await it first.')
    this.#busy = true
    try {
      const { strategy } = this
      const fresh = batchOf(data, this.model, strategy.vocabulary)
      const old = strategy.rehearsal?.recall(fresh) ?? null
      const learnt = await learnBatch(this.#learningParts(), fresh, old)
      this.#step++
      const bytes = bytesPredicted(fresh, strategy.vocabulary)
      const lossPerByte = learnt.loss * (learnt.tokens / bytes)
      this.#losses = [...this.#losses, lossPerByte].slice(-lossWindow)
      strategy.rehearsal?.remember(fresh)
      const drift = this.#noticeDrift(bitsPerByte(lossPerByte))
      const isOverflow = !Number.isFinite(learnt.gradientNorm)
      this.#overflows = isOverflow ? this.#overflows + 1 : 0
      const overflow: LearnerEvent[] = isOverflow ? [{ kind: 'overflow', step: this.#step }] : []
      const happened = [
        ...overflow,
        ...drift,
        ...this.#consolidate(fresh, drift.length > 0),
        ...(await this.#grow(fresh, drift.length > 0)),
      ]
      const events = [...happened, ...(await this.#freeze(fresh, happened))]
      this.#journal.push(...events)
      return {
        ...learnt,
        step: this.#step,
        bytes,
        bitsPerByte: bitsPerByte(lossPerByte),
        domains: fresh.domains,
        rehearsedRows: old?.rows ?? 0,
        parameters: this.model.parameters.size,
        events,
      }
    } finally {
      this.#busy = false
    }
  }

  /** How well a text is predicted and what would come next. Never changes state. */
  predict(text: string): Promise<Prediction> {
    return predictText(this.model, text, this.strategy.vocabulary?.tokenizer)
  }

  /** A rise of the loss is drift; a fall is what learning looks like. */
  #noticeDrift(bits: number): LearnerEvent[] {
    const { detector } = this.strategy
    if (detector === undefined) return []
    const { drift, direction } = detector.update(bits)
    if (!drift || direction !== 'up') return []
    this.#lastDrift = this.#step
    return [{ kind: 'drift', step: this.#step, detector: detector.name, bitsPerByte: bits }]
  }

  /** Makes the present weights the ones to protect, judged by what is remembered. */
  #consolidate(fresh: Batch, drift: boolean): LearnerEvent[] {
    const { penalties = [], consolidateWhen = onDrift, rehearsal } = this.strategy
    if (penalties.length === 0 || !consolidateWhen({ ...this.#signals(), drift })) return []
    const sample = rehearsal?.sample(consolidationRows) ?? fresh
    return penalties.map((penalty) => {
      penalty.consolidate(this.model, sample)
      return { kind: 'consolidation', step: this.#step, penalty: penalty.name, rows: sample.rows }
    })
  }

  async #grow(recent: Batch, drift: boolean): Promise<LearnerEvent[]> {
    const { model, budget, strategy } = this
    const ground = {
      ...{ budget, model, recent, mirrors: this.#mirrors, key: foldIn(this.#key, this.#step) },
      ...(this.#now && { now: this.#now }),
    }
    const words = await growVocabulary({ ...ground, strategy, signals: { ...this.#signals(), drift } })
    const { growth: policy } = strategy
    if (policy === undefined) return words
    const turn = { ...ground, policy, policyState: this.#policyState, signals: this.#signals() }
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
      stateBytes: stateBytesOf(this.#mirrors),
    }
  }

  #learningParts(): Parameters<typeof learnBatch>[0] {
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

  /** Everything it knows. Taken between two steps, it leads a resumed learner to the same bits. */
  async toState(): Promise<LearnerState> {
    const { rehearsal, detector, vocabulary, freezing, penalties = [] } = this.strategy
    return {
      parts: this.#partNames(),
      model: await this.model.toState(),
      optimizer: await this.#optimizer.toState(),
      penalties: await Promise.all(penalties.map((penalty) => penalty.toState())),
      rehearsal: rehearsal?.toState() ?? null,
      detector: detector?.toState() ?? null,
      policy: this.#policyState,
      vocabulary: vocabulary?.toState() ?? null,
      freezing: freezing?.toState() ?? null,
      step: this.#step,
      losses: this.#losses,
      lastGrowth: this.#lastGrowth,
      lastDrift: this.#lastDrift,
      journal: [...this.#journal],
    }
  }

  /**
   * The learner that `toState` described.
   *
   * @param options The same optimiser and strategy that it was built from, freshly made.
   * @throws OptionError if the parts differ from those of the saved learner.
   */
  static fromState(
    state: LearnerState,
    options: Omit<LearnerOptions, 'model'> & { device?: Device },
  ): Learner {
    const learner = new Learner({ ...options, model: Gpt.fromState(state.model, options.device) })
    const { strategy } = learner
    const parts = learner.#partNames()
    if (parts.join() !== state.parts.join()) {
      throw new OptionError(
        `learner: the saved one was made of ${state.parts.join(', ')}; got ${parts.join(', ')}. Build it the same way.`,
      )
    }
    const { parameters } = learner.model
    learner.#optimizer.restore(state.optimizer, parameters)
    strategy.penalties?.forEach((penalty, i) => penalty.restore(state.penalties[i], parameters))
    strategy.rehearsal?.restore(state.rehearsal)
    strategy.detector?.restore(state.detector)
    strategy.vocabulary?.restore(state.vocabulary)
    strategy.freezing?.restore(state.freezing)
    learner.#policyState = state.policy
    learner.#step = state.step
    learner.#losses = state.losses
    learner.#lastGrowth = state.lastGrowth
    learner.#lastDrift = state.lastDrift
    learner.#journal = [...state.journal]
    return learner
  }

  #partNames(): string[] {
    const { rehearsal, detector, growth, freezing, vocabulary, penalties = [] } = this.strategy
    const parts = [this.#optimizer, rehearsal, ...penalties, detector, growth, freezing, vocabulary]
    return parts.flatMap((part) => (part === undefined ? [] : [part.name]))
  }
}
