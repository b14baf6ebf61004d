/** The steps of a learner, and its sleep between them. */
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { checkOptions, checks, type RandomKey } from '@burgeon/tensor'
import type { LearnerEvent } from '../../journal/event.ts'
import type { StepReport } from '../../journal/step-report.ts'
import type { SleepReport } from '../../journal/sleep/sleep-report.ts'
import type { FieldsByRole, LearnerState } from '../../learner-state.ts'
import type { Loop } from '../../learning/loop.ts'
import type { Model } from '../../model/model.ts'
import { forget, type Forgotten } from '../../learning/forget.ts'
import { growNow } from '../../learning/grow-now.ts'
import type { RehearseOptions, RehearseReport } from '../../learning/rehearse.ts'
import type { Batch } from '../../stream/batch.ts'
import type { Origin } from '../../stream/origin.ts'
import { type Elsewhere, Trials } from '../../trial/trials.ts'
import { rehearseUnharmed } from './rehearse-unharmed.ts'
import { sleepOnce, type Slept } from './night.ts'

/** How much may be done in a sleep that nothing but a call has set off. */
export interface SleepNowOptions {
  /**
   * Operations that all jobs together may take, ≥ 0. The share of the steps since the last sleep unless
   * given.
   */
  readonly operations?: number
}

/** Nothing here may overlap. */
export class Sleeping {
  readonly trials: Trials
  readonly #loop: Loop
  readonly #elsewhere: Elsewhere

  constructor(loop: Loop, elsewhere: Elsewhere) {
    this.trials = new Trials(loop, elsewhere)
    this.#loop = loop
    this.#elsewhere = elsewhere
  }

  /**
   * Takes a saved learner up again, and what it was trying. Throws as `Trials.restore` and `restoreParts`.
   */
  restore(
    state: LearnerState<unknown> | FieldsByRole,
    modelOf: (saved: LearnerState<unknown>) => Model,
  ): void {
    this.trials.restore(state, modelOf)
    this.#loop.restore(state)
  }

  /** A step on data that the door lets in, and a sleep after it where one is due. */
  async step(data: Batch | string): Promise<StepReport> {
    const { door, intake } = this.#loop.parts
    const report = await this.trials.step(door.rowsOf(data, intake))
    const { parts, journal, model } = this.#loop
    const drift = report.events.some(({ kind }) => kind === 'drift')
    const { step, stepsSinceDrift } = journal
    if (parts.sleep?.sleep.when({ step, drift, stepsSinceDrift }) !== true) return report
    const { events } = await this.#slept()
    return { ...report, parameters: model.parameters.size, events: [...report.events, ...events] }
  }

  /** Steps on remembered rows; a trial has no place for them and ends. */
  rehearse(steps: number, { tolerance, ...options }: RehearseOptions): Promise<RehearseReport> {
    if (tolerance === undefined) return this.trials.rehearse(steps, options)
    this.trials.drop()
    return this.#elsewhere(() => rehearseUnharmed(this.#loop, steps, options, tolerance))
  }

  /** Lets go of what is kept of some origins; a trial ends. Throws as `forget`. */
  forget(isMeant: (origin: Origin) => boolean): Forgotten {
    this.trials.drop()
    const { parts, options } = this.#loop
    return forget(parts.kept, options.strategy ?? {}, isMeant)
  }

  /** Grows between two steps; a trial ends. Throws as `growNow`. */
  grow(request: GrowthRequest, key: RandomKey): Promise<LearnerEvent> {
    this.trials.drop()
    return growNow(this.#loop, request, key)
  }

  /** Lets go of what is tried, and of what all parts keep on the device. */
  dispose(): void {
    this.trials.dispose()
    const { parts, options } = this.#loop
    for (const part of [...parts.mirrors, options.strategy?.average]) part?.dispose?.()
    options.lossScale?.dispose()
  }

  /** Sleeps now. A trial has no place for that and ends. Throws OptionError for options that are none. */
  async sleep(options: SleepNowOptions): Promise<SleepReport> {
    checkOptions('Learner: sleep', options, { operations: checks.number({ from: 0 }) })
    const { operations } = options
    return (await this.#slept(operations)).report
  }

  #slept(operations?: number): Promise<Slept> {
    this.trials.drop()
    return this.#elsewhere(() => sleepOnce(this.#loop, operations))
  }
}
