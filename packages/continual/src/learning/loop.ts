/** The loop of a learner: the whole of one step, from prediction to growth, top to bottom in `step`. */
import { OptionError } from '@burgeon/tensor'
import type { ContextLabels } from '../context/context-labels.ts'
import { bothKnobs, type Knobs, usualKnobs } from '../control/knobs.ts'
import { divided, joined } from '../probes/hold-back.ts'
import type { ProbeLosses } from '../journal/probe-losses.ts'
import { rowLossesOf } from '../probes/row-losses.ts'
import { measuringRows } from '../upkeep/probing.ts'
import type { Learnt } from '../journal/learnt.ts'
import { Journal } from '../journal/journal.ts'
import type { StepReport } from '../journal/step-report.ts'
import type { AnyLearnerOptions } from '../learner-options.ts'
import { assemble, type LearnerParts } from '../learner-parts.ts'
import { type FieldsByRole, type LearnerState, restoreParts, statesOf } from '../learner-state.ts'
import { type LearningMeans, learnWithRecall } from './learning-step.ts'
import { learnOnce, rehearse, type RehearseOptions, type RehearseReport } from './rehearse.ts'
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
    const { intake, notice, upkeep, probes, recall } = this.parts
    const observed = intake.batchOf(data)
    const { fresh, held, isHeld } = divided(observed, probes)
    const heldLosses = held && (await rowLossesOf(this.model, this.parts.adapter, held, this.#context))
    const learnt = fresh && (await learnWithRecall(this.#means(knobs), fresh, this.journal))
    const all = heldLosses && joined(learnt?.learnt ?? null, heldLosses, isHeld)
    const batch = {
      ...{ old: null, oldLosses: null, tokenLosses: [], learnt: all as Learnt, ...learnt },
      ...{ fresh: fresh ?? observed, bytes: intake.bytesOf(observed) },
      ...(held && all && { observed: { learnt: all, domains: observed.domains, heldBack: held.rows } }),
    }
    // The prediction is on record before anything reacts to it.
    const context = this.journal.begin(batch)
    if (held) probes?.keep(held, context.step)
    this.journal.add(await notice.afterStep(context))
    // Before the vocabulary grows.
    const saved = learnt ? recall?.remember(context) : recall && 0
    for (const part of learnt ? upkeep : []) this.journal.add(await part.afterStep(context))
    const report = this.journal.end(batch, context, saved)
    this.parts.sleep?.noteStep(this.model, report)
    return report
  }

  /** What is known of each domain by the rows that are held back. */
  async measureProbes(): Promise<ProbeLosses> {
    const { probes, adapter, intake } = this.parts
    if (probes) return probes.measure(measuringRows(this.model, adapter, intake, this.#context))
    throw new OptionError(
      'Learner: measureProbes: the strategy has no probes; expected some, such as heldBack().',
    )
  }

  /** Takes steps on remembered rows alone: nothing reacts to them. */
  rehearse(steps: number, options: RehearseOptions, knobs: Knobs): Promise<RehearseReport> {
    return rehearse(this.#means(knobs), this.journal, steps, options)
  }

  /** One step on given rows by themselves, or on so many remembered ones; null where there are none. */
  learnAlone(rows: Batch | number, knobs: Knobs = usualKnobs): Promise<Learnt | null> {
    return learnOnce(this.#means(knobs), this.journal, rows)
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

  get #context(): ContextLabels | undefined {
    return this.options.strategy?.context
  }

  #means(knobs: Knobs): LearningMeans {
    const { control, choice } = this.parts
    const own = [control, choice].flatMap((part) => (part ? [part.knobs] : []))
    return { ...this.options, ...this.parts, knobs: own.reduce(bothKnobs, knobs) }
  }
}
