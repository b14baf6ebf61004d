/**
 * The steps of a learner, some of which are tried in several ways: the first arm is lived as ever, and the
 * rows of its steps are kept; after the last of them the other arms live the same rows from the moment at
 * which the trial began, and what goes on is one of them.
 */
import { BurgeonError, StateError } from '@burgeon/tensor'
import { usualKnobs } from '../control/knobs.ts'
import { type Moment, momentFrom, momentOf } from '../fork/moment.ts'
import type { StepReport } from '../journal/step-report.ts'
import type { TriedArm } from '../journal/trials/trial-outcome.ts'
import type { FieldsByRole, LearnerState, TrialState } from '../learner-state.ts'
import type { Loop } from '../learning/loop.ts'
import type { RehearseOptions, RehearseReport } from '../learning/rehearse.ts'
import type { Model } from '../model/model.ts'
import { rowsOf } from '../probes/probes.ts'
import type { Batch } from '../stream/batch.ts'
import type { TrialPlan, Trying } from '../upkeep/trying.ts'
import { judgedRows } from './judged-rows.ts'
import { LivedArm } from './lived-arm.ts'
import { meanOf, pairedGain } from './paired-gain.ts'

/** A trial whose first arm is being lived. */
interface OpenTrial {
  readonly trying: Trying
  readonly plan: TrialPlan
  readonly beginning: Moment
  /** The beginning as plain data, where that was asked for. */
  saved: LearnerState<unknown> | null
  readonly observed: (Batch | string)[]
  readonly first: LivedArm
}

/** An arm that has been lived, to be taken up again. */
interface Ended {
  readonly losses: readonly number[] | null
  readonly operations: number
  readonly moment: Moment | null
}

/** Fewer rows tell nothing apart. */
const fewestRows = 8

/** Runs work during which the learner is not what it is for others. */
export type Elsewhere = <T>(work: () => Promise<T>) => Promise<T>

/** At most one trial is open at a time. Nothing here may overlap. */
export class Trials {
  readonly #loop: Loop
  readonly #elsewhere: Elsewhere
  #open: OpenTrial | null = null

  constructor(loop: Loop, elsewhere: Elsewhere) {
    this.#loop = loop
    this.#elsewhere = elsewhere
  }

  /** A step of the loop; the last one of a trial takes as long as all of the trial's others. */
  async step(data: Batch | string): Promise<StepReport> {
    const report = await this.#loop.step(data, usualKnobs)
    const open = this.#open
    if (open === null) {
      await this.#beginIfDue(report)
      return report
    }
    // Whoever gave it may write to it again.
    open.observed.push(structuredClone(data))
    open.first.note(report, open.observed.length)
    if (open.observed.length < open.plan.steps) return report
    const ended = await this.#elsewhere(() => this.#end(open, report))
    await this.#beginIfDue(ended)
    return ended
  }

  /** Steps on remembered rows; a trial has no place for them and ends. */
  rehearse(steps: number, options: RehearseOptions): Promise<RehearseReport> {
    this.drop()
    return this.#loop.rehearse(steps, options, usualKnobs)
  }

  /** Ends an open trial without a decision. */
  drop(): void {
    this.#open?.trying.drop()
    this.dispose()
  }

  /** Frees what it keeps on the device. */
  dispose(): void {
    this.#open?.beginning.dispose()
    this.#open?.first.sum.dispose()
    this.#open = null
  }

  async #beginIfDue({ step, events }: StepReport): Promise<void> {
    const { trying, probes } = this.#loop.parts
    if ((probes?.rows ?? 0) < fewestRows) return
    const drift = events.some(({ kind }) => kind === 'drift')
    for (const part of trying) {
      const plan = part.proposed({ step, drift })
      if (plan === null) continue
      this.#open = {
        ...{ trying: part, plan, saved: null, observed: [] },
        beginning: await momentOf(this.#loop),
        first: new LivedArm(this.#loop, plan),
      }
      part.take(plan.arms[0])
      return
    }
  }

  async #end(open: OpenTrial, report: StepReport): Promise<StepReport> {
    const { trying, plan, beginning, first } = open
    const { model, journal, parts } = this.#loop
    const held = parts.probes ? await rowsOf(parts.probes) : []
    const present = await momentOf(this.#loop)
    const arms: Ended[] = []
    try {
      const judged = await first.judged(held)
      arms.push({ losses: judged.losses, operations: first.operations, moment: null })
      let extra = judged.operations
      const after = plan.measuresProgress ? await judgedRows(this.#loop, held) : null
      beginning.putBack()
      const before = after && (await judgedRows(this.#loop, held))
      for (const arm of plan.arms.slice(1)) {
        beginning.putBack()
        trying.take(arm)
        const { judging, ...ended } = await this.#lived(open, held)
        extra += ended.operations + judging
        arms.push(ended)
      }
      present.putBack()
      const verdict = trying.judge({
        step: report.step,
        rows: judged.losses.length,
        arms: plan.arms.map((arm, i) => triedArm(arm, judged.losses, arms[i])),
        extra: extra + (after?.operations ?? 0) + (before?.operations ?? 0),
        progress: after && before && (meanOf(before.losses) - meanOf(after.losses)) / Math.LN2,
      })
      arms[plan.arms.indexOf(verdict.goesOn)].moment?.putBack()
      verdict.settle()
      journal.add([verdict.event])
      return { ...report, parameters: model.parameters.size, events: [...report.events, verdict.event] }
    } catch (error) {
      present.putBack()
      trying.drop()
      throw error
    } finally {
      for (const moment of [present, ...arms.map(({ moment: own }) => own)]) moment?.dispose()
      this.dispose()
    }
  }

  /** Lives the rows of a trial in the arm at hand. One whose steps cannot be made has no losses. */
  async #lived(open: OpenTrial, held: readonly Batch[]): Promise<Ended & { readonly judging: number }> {
    const arm = new LivedArm(this.#loop, open.plan)
    try {
      for (const [i, data] of open.observed.entries()) {
        arm.note(await this.#loop.step(data, usualKnobs), i + 1)
      }
      const { losses, operations: judging } = await arm.judged(held)
      const ended = losses.every(Number.isFinite) ? losses : null
      const moment = await momentOf(this.#loop)
      return { losses: ended, operations: arm.operations, moment, judging }
    } catch (error) {
      if (!(error instanceof BurgeonError)) throw error
      return { losses: null, operations: arm.operations, moment: null, judging: 0 }
    } finally {
      arm.sum.dispose()
    }
  }

  /** The open trial as plain data, where there is one. */
  async toState(): Promise<{ readonly trial?: TrialState }> {
    const open = this.#open
    if (open === null) return {}
    open.saved ??= await this.#elsewhere(() => this.#savedAt(open.beginning))
    const { trying, plan, saved: beginning, observed, first } = open
    const trial = {
      ...{ part: trying.name, plan, beginning, observed: [...observed] },
      ...{ operations: first.operations, sum: await first.sum.toState() },
    }
    return { trial }
  }

  async #savedAt(moment: Moment): Promise<LearnerState<unknown>> {
    const { model } = this.#loop
    const present = await momentOf(this.#loop)
    try {
      moment.putBack()
      return structuredClone({ model: await model.toState(), ...(await this.#loop.toState()) })
    } finally {
      present.putBack()
      present.dispose()
    }
  }

  /**
   * Takes the trial of a saved learner up again, where there is one. What else was saved is to be restored
   * after it.
   *
   * @param modelOf Makes the model of a saved one.
   * @throws StateError for a trial of another strategy, and as `momentFrom`.
   */
  restore(
    state: LearnerState<unknown> | FieldsByRole,
    modelOf: (saved: LearnerState<unknown>) => Model,
  ): void {
    if (!('trial' in state) || state.trial === undefined) return
    const { part, plan, beginning: saved, observed, operations, sum } = state.trial
    const trying = this.#loop.parts.trying.find(({ name }) => name === part)
    if (trying === undefined) {
      throw new StateError(`learner: the saved one has a trial of ${part}, which is not in this strategy.`)
    }
    const first = new LivedArm(this.#loop, plan)
    first.operations = operations
    first.sum.restore(sum, this.#loop.model.device)
    const beginning = momentFrom(this.#loop, saved, modelOf(saved))
    this.#open = { trying, plan, beginning, saved, observed: [...observed], first }
  }
}

function triedArm(arm: string, first: readonly number[], { losses, operations }: Ended): TriedArm {
  if (losses === null) return { arm, bits: null, gain: 0, error: 0, operations }
  return { arm, bits: meanOf(losses) / Math.LN2, ...pairedGain(first, losses), operations }
}
