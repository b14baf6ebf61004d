/** The learner: the whole of one step, from prediction to growth, top to bottom in `#step`. */
import { type Gpt, LoraAdapter } from '@burgeon/gpt'
import { stateBytesOf } from '@burgeon/gpt/growth'
import { checkArgument } from '@burgeon/tensor'
import type { GrowthBudget } from './growth/growth-policy.ts'
import type { LearnerEvent } from './journal/event.ts'
import { Journal } from './journal/journal.ts'
import type { StepReport } from './journal/step-report.ts'
import {
  type AnyLearnerOptions,
  checkLearnerOptions,
  type LearnerOptions,
  type Observed,
  type RestoredModelOptions,
  restoredOptions,
  type RestoredOptions,
  someData,
  type StateOf,
} from './learner-options.ts'
import type { Model } from './model/model.ts'
import { assemble, type LearnerParts } from './learner-parts.ts'
import { type FieldsByRole, type LearnerState, restoreParts, statesOf } from './learner-state.ts'
import { learnWithRecall } from './learning/learning-step.ts'
import { neverTwice, oneAtATime } from './one-at-a-time.ts'
import { type Prediction, predictText } from './predict.ts'
import type { Strategy } from './strategy/strategy.ts'

/** A model that lives on a stream: it predicts, learns, protects what it knows, and grows. */
export class Learner<M extends Model = Gpt> {
  readonly model: M
  readonly strategy: Strategy
  readonly budget: GrowthBudget
  readonly #options: AnyLearnerOptions
  readonly #parts: LearnerParts
  readonly #journal: Journal
  readonly #alone = oneAtATime()
  readonly #observing = neverTwice('learner: observe')

  /**
   * @throws OptionError if a part keeps state shaped like parameters but cannot follow growth, for a part
   *   that could never do anything beside the others, for a loss scale beside a look-ahead, or options that
   *   are none.
   */
  constructor(options: LearnerOptions<M>) {
    // Of another model than a GPT, the checks leave nothing that needs one.
    const own = options as AnyLearnerOptions
    checkLearnerOptions(own)
    const { strategy = {}, budget = { parameters: Infinity } } = own
    this.model = options.model
    this.strategy = strategy
    this.budget = budget
    this.#options = own
    this.#parts = assemble(own)
    this.#journal = new Journal(own.model, this.#parts.mirrors)
  }

  /** The adapter that learns in the place of the model; it stays when the learner is disposed. */
  get adapter(): LoraAdapter | undefined {
    return this.#parts.adapter
  }

  /** Updates made so far. */
  get step(): number {
    return this.#journal.step
  }

  /** Bytes of state beside the weights that grows with them: moments, importance, anchors. */
  get stateBytes(): number {
    return stateBytesOf(this.#parts.mirrors, this.model.parameters.size)
  }

  /** Every growth from the beginning; of drift alarms, consolidations and the rest the latest 4096. */
  get journal(): readonly LearnerEvent[] {
    return this.#journal.events
  }

  /**
   * Takes one step on a mini-batch: predicts it, learns it, and lets every part look after its own.
   *
   * @param data A batch whose rows are no longer than the context, of bytes or any tokens of the vocabulary,
   *   or a text of two bytes or more.
   * @throws NonFiniteError if the loss, a gradient or the change of the weights is not finite, OptionError
   *   for an invalid learning rate: nothing has been learnt then, and the learner is as it was, its
   *   random streams included. OptionError if called again before the last call was done.
   */
  async observe(data: Observed<M>): Promise<StepReport> {
    checkArgument('Learner: observe', 'data', data, someData)
    return this.#observing(() => this.#alone(() => this.#step(data)))
  }

  async #step(data: Observed<M>): Promise<StepReport> {
    const { intake, upkeep } = this.#parts
    const fresh = intake.batchOf(data)
    const learnt = await learnWithRecall({ ...this.#options, ...this.#parts }, fresh, this.#journal)
    const batch = { ...learnt, fresh, bytes: intake.bytesOf(fresh) }
    // The prediction is on record before anything reacts to it.
    const context = this.#journal.begin(batch)
    for (const part of upkeep) this.#journal.add(await part.afterStep(context))
    return this.#journal.end(batch, context)
  }

  /** How well a text is predicted and what would come next. Never changes state. */
  predict(this: Learner, text: string): Promise<Prediction> {
    return predictText(this.model, text, this.strategy.vocabulary?.tokenizer, this.adapter)
  }

  /** Lets go of what it keeps beside the model; the model can go on after this, it cannot. */
  dispose(): void {
    for (const mirror of this.#parts.mirrors) mirror.dispose?.()
    this.#options.lossScale?.dispose()
  }

  /** Everything it knows, once the step at hand is done: it leads a resumed learner to the same bits. */
  toState(): Promise<LearnerState<StateOf<M>>> {
    return this.#alone(async () => ({
      model: (await this.model.toState()) as StateOf<M>,
      parts: await statesOf(this.#parts.kept),
      ...this.#journal.toState(),
    }))
  }

  /**
   * The learner that `toState` described, also one of an earlier version.
   *
   * @param options The same optimizer and strategy that it was built from, freshly made.
   * @throws StateError for an invalid state, OptionError if the parts differ from those of the saved
   *   learner, and what its parts and `Gpt.fromState` throw. Parts that had taken their state by then are
   *   those of no learner: try another state with fresh ones.
   */
  static fromState(state: LearnerState | FieldsByRole, options: RestoredOptions): Learner
  static fromState<M extends Model>(
    state: LearnerState<StateOf<M>>,
    options: RestoredModelOptions<M>,
  ): Learner<M>
  static fromState(state: LearnerState<unknown> | FieldsByRole, options: object): unknown {
    const own = restoredOptions(state, options)
    let learner: Learner<Model> | undefined
    try {
      learner = new Learner(own as object as LearnerOptions<Model>)
      restoreParts(learner.#parts.kept, state, (learner.adapter ?? own.model).parameters)
      learner.#journal.restore(state)
      return learner
    } catch (error) {
      if (!(own.adapter instanceof LoraAdapter)) learner?.adapter?.dispose()
      own.model.parameters.dispose()
      throw error
    }
  }
}
