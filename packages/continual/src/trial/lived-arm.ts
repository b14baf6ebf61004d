/** One arm of a trial: what its steps cost, and what judges it. */
import { operationsOfStep } from '../journal/operations-of-step.ts'
import type { StepReport } from '../journal/step-report.ts'
import type { Loop } from '../learning/loop.ts'
import type { Batch } from '../stream/batch.ts'
import { judgedByMean, judgedRows, type JudgedRows } from './judged-rows.ts'
import type { TrialPlan } from '../upkeep/trying.ts'
import { WeightSum } from './weight-sum.ts'

/** An arm whose steps are made one by one. */
export class LivedArm {
  readonly #loop: Loop
  readonly #plan: TrialPlan
  /** Of the weights after the late steps. */
  readonly sum: WeightSum = new WeightSum()
  operations: number = 0

  constructor(loop: Loop, plan: TrialPlan) {
    this.#loop = loop
    this.#plan = plan
  }

  /** Takes note of a step that has just been made, the n-th from 1 on. */
  note(report: StepReport, n: number): void {
    const { model, parts } = this.#loop
    this.operations += operationsOfStep(model, report)
    if (this.#plan.isAveraged && n > this.#plan.steps / 2) this.sum.add((parts.adapter ?? model).parameters)
  }

  /** What the rows cost it once it is lived. */
  judged(held: readonly Batch[]): Promise<JudgedRows> {
    return this.#plan.isAveraged ? judgedByMean(this.#loop, held, this.sum) : judgedRows(this.#loop, held)
  }
}
