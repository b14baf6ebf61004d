/** The learner: what users see of it. What a step is stands in `learning/loop.ts`. */
import type { Gpt, LoraAdapter } from '@burgeon/gpt'
import { type GrowthRequest, stateBytesOf } from '@burgeon/gpt/growth'
import { checkArgument, type RandomKey } from '@burgeon/tensor'
import { type AnswerOptions, answerOf, type WrittenAnswer } from './learning/answer.ts'
import type { GivenLabels } from './context/context-labels.ts'
import type { Knobs } from './control/knobs.ts'
import { Branches } from './fork/branches.ts'
import { type Fork, forkOf } from './fork/fork.ts'
import type { GrowthBudget } from './growth/growth-policy.ts'
import type { Door } from './guard/door.ts'
import type { LearnerEvent } from './journal/event.ts'
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
import type { FieldsByRole, LearnerState } from './learner-state.ts'
import { type ForgetWhat, type Forgotten, meantBy } from './learning/forget.ts'
import { checkRehearse, type RehearseOptions, type RehearseReport } from './learning/rehearse.ts'
import { Loop } from './learning/loop.ts'
import { restoring } from './learning/restoring.ts'
import type { Model } from './model/model.ts'
import { neverTwice } from './one-at-a-time.ts'
import { type Prediction, predictText } from './predict.ts'
import type { ProbeLosses } from './journal/probe-losses.ts'
import type { SleepReport } from './journal/sleep/sleep-report.ts'
import { Sleeping, type SleepNowOptions } from './sleep/night/sleeping.ts'
import type { Strategy } from './strategy/strategy.ts'

/** A model that lives on a stream: it predicts, learns, protects what it knows, and grows. */
export class Learner<M extends Model = Gpt> {
  readonly model: M
  readonly strategy: Strategy
  readonly budget: GrowthBudget
  /** Where texts from outside are judged, before they are written anywhere; `observe` asks here itself. */
  readonly door: Door
  readonly #loop: Loop
  readonly #branches: Branches
  readonly #sleeping: Sleeping
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
    this.model = options.model
    this.strategy = own.strategy ?? {}
    this.budget = own.budget ?? { parameters: Infinity }
    this.#loop = new Loop(own)
    this.door = this.#loop.parts.door
    this.#branches = new Branches(this.#loop)
    this.#sleeping = new Sleeping(this.#loop, (work) => this.#branches.elsewhere(work))
  }

  /** The adapter that learns in the place of the model; it stays when the learner is disposed. */
  get adapter(): LoraAdapter | undefined {
    return this.#loop.parts.adapter
  }

  /** Updates made so far, but for those of `rehearse`. */
  get step(): number {
    return this.#loop.journal.step
  }

  /** Bytes of state beside the weights that grows with them: moments, importance, anchors. */
  get stateBytes(): number {
    return stateBytesOf(this.#loop.parts.mirrors, this.model.parameters.size)
  }

  /** Every growth from the beginning; of drift alarms, consolidations and the rest the latest 4096. */
  get journal(): readonly LearnerEvent[] {
    return this.#loop.journal.events
  }

  /**
   * Takes one step on a mini-batch: predicts it, learns it, and lets every part look after its own.
   *
   * @param data A batch whose rows are no longer than the context, of bytes or any tokens of the vocabulary,
   *   or a text of two bytes or more.
   * @throws NonFiniteError if the loss, a gradient or the change of the weights is not finite, OptionError
   *   for an invalid learning rate: nothing has been learnt then, and the learner is as it was, its
   *   random streams included. OptionError if called again before the last call was done, or while a fork is
   *   open. GuardError for a text that is not to be learnt.
   */
  async observe(data: Observed<M>): Promise<StepReport> {
    checkArgument('Learner: observe', 'data', data, someData)
    return this.#observing(() => this.#branches.act('a step', () => this.#sleeping.step(data)))
  }

  /**
   * Takes steps on remembered rows alone. `step` and the record of predictions, detectors, what is
   * remembered, growth and all other upkeep stay as they are.
   *
   * @param steps An integer ≥ 1. Default 1.
   * @throws OptionError if the strategy remembers nothing, or while a fork is open; NonFiniteError as
   *   `observe`, and the steps before that stand. With a tolerance none does, and rows must be held back.
   */
  async rehearse(steps: number = 1, options: RehearseOptions = {}): Promise<RehearseReport> {
    checkRehearse(steps, options)
    return this.#branches.act('a rehearsal', () => this.#sleeping.rehearse(steps, options))
  }

  /**
   * Sleeps now, whatever `when` says, within the share of the steps since the last sleep or within so many
   * operations. Throws OptionError if the strategy has no sleep, or while a fork is open.
   */
  async sleep(options: SleepNowOptions = {}): Promise<SleepReport> {
    return this.#branches.act('sleep', () => this.#sleeping.sleep(options))
  }

  /** Grows now, within the budget; a trial ends. Throws OptionError as `growNow`, or while a fork is open. */
  async grow(this: Learner, request: GrowthRequest, key: RandomKey): Promise<LearnerEvent> {
    return this.#branches.act('growth', () => this.#sleeping.grow(request, key))
  }

  /**
   * A learner that goes on from this moment beside this one, to be kept or dropped. While one is open,
   * `predict` and `toState` are of this learner, which takes no steps; `model`, `step`, `stateBytes` and
   * `journal` are of whichever acted last.
   *
   * @param knobs Factors of the fork's rate, penalties and rehearsal. 1 each unless given.
   * @throws OptionError for other knobs, or beside a vocabulary that may grow.
   */
  fork(knobs: Partial<Knobs> = {}): Fork<M> {
    return forkOf(this.#branches, this.#loop, knobs, () => this.#sleeping.trials.drop())
  }

  /**
   * How well each domain is predicted by rows that are held back, once the step at hand is done. Changes
   * nothing.
   *
   * @throws OptionError if the strategy holds none back.
   */
  measureProbes(): Promise<ProbeLosses> {
    return this.#branches.lookInTurn(() => this.#loop.measureProbes())
  }

  /**
   * Lets go of what is kept of a source, or of some experiences by their numbers: in rehearsal, probes and
   * recall, and so in every state from now on. A trial ends. The weights stay as they are.
   *
   * @throws OptionError while a fork is open, or where a part keeps rows and cannot forget; nothing is
   *   forgotten then.
   */
  async forget(what: ForgetWhat): Promise<Forgotten> {
    const isMeant = meantBy(what)
    return this.#branches.act('forgetting', async () => this.#sleeping.forget(isMeant))
  }

  /** How well a text is predicted after its labels by kind, and what comes next. Never changes state. */
  async predict(this: Learner, text: string, labels?: GivenLabels): Promise<Prediction> {
    return this.#branches.look(() => predictText(this, text, labels))
  }

  /** Writes an answer, and notes what feedback on it will need. Never changes state. Throws as `generate`. */
  answer(this: Learner, prompt: string, options: AnswerOptions): Promise<WrittenAnswer> {
    return this.#branches.look(() => answerOf(this, prompt, options))
  }

  /** Lets go of what it keeps beside the model; the model can go on after this, it cannot. */
  dispose(): void {
    this.#branches.dispose()
    this.#sleeping.dispose()
  }

  /** Everything it knows, once the step at hand is done: it leads a resumed learner to the same bits. */
  toState(): Promise<LearnerState<StateOf<M>>> {
    return this.#branches.lookInTurn(async () => ({
      ...(await this.#sleeping.trials.toState()),
      model: (await this.model.toState()) as StateOf<M>,
      ...(await this.#loop.toState()),
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
    const make = (): Learner<Model> => new Learner(own as object as LearnerOptions<Model>)
    return restoring(own, make, (learner) =>
      learner.#sleeping.restore(state, (saved) => restoredOptions(saved, options).model),
    )
  }
}
