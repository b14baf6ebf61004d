/** The loop of a learner: the whole of one step, from prediction to growth, top to bottom in `step`. */
import type { Knobs } from '../control/knobs.ts'
import { Journal } from '../journal/journal.ts'
import type { StepReport } from '../journal/step-report.ts'
import type { AnyLearnerOptions } from '../learner-options.ts'
import { assemble, type LearnerParts } from '../learner-parts.ts'
import { type FieldsByRole, type LearnerState, restoreParts, statesOf } from '../learner-state.ts'
import { type LearningMeans, learnWithRecall } from './learning-step.ts'
import { rehearse, type RehearseOptions, type RehearseReport } from './rehearse.ts'
import type { Model } from '../model/model.ts'
import type { Batch } from '../stream/batch.ts'

/** A model, the parts that are with it, and what is on record. Nothing here may overlap. */
export class Loop {
  readonly model: Model
  readonly parts: LearnerParts
  readonly journal: Journal
  readonly options: AnyLearnerOptions

  /** @throws OptionError as `assemble`. */
  constructor(options: AnyLearnerOptions) {
    this.options = options
    this.model = options.model
    this.parts = assemble(options)
    this.journal = new Journal(options.model, this.parts.mirrors)
  }

  /** Predicts a mini-batch, learns it, and lets every part look after its own. */
  async step(data: Batch | string, knobs: Knobs): Promise<StepReport> {
    const { intake, upkeep } = this.parts
    const fresh = intake.batchOf(data)
    const learnt = await learnWithRecall(this.#means(knobs), fresh, this.journal)
    const batch = { ...learnt, fresh, bytes: intake.bytesOf(fresh) }
    // The prediction is on record before anything reacts to it.
    const context = this.journal.begin(batch)
    for (const part of upkeep) this.journal.add(await part.afterStep(context))
    return this.journal.end(batch, context)
  }

  /** Takes steps on remembered rows alone: nothing reacts to them. */
  rehearse(steps: number, options: RehearseOptions, knobs: Knobs): Promise<RehearseReport> {
    return rehearse(this.#means(knobs), this.journal, steps, options)
  }

  /** Everything but the model. */
  async toState(): Promise<Omit<LearnerState, 'model'>> {
    return { parts: await statesOf(this.parts.kept), ...this.journal.toState() }
  }

  /** Takes a state that has been checked. Throws as `restoreParts`. */
  restore(state: LearnerState<unknown> | FieldsByRole): void {
    restoreParts(this.parts.kept, state, (this.parts.adapter ?? this.model).parameters)
    this.journal.restore(state)
  }

  #means(knobs: Knobs): LearningMeans {
    return { ...this.options, ...this.parts, knobs }
  }
}
