/** What a step cost, in floating-point operations. */
import type { Model } from '../model/model.ts'
import { operationsOf } from '../model/operations-of.ts'
import type { StepReport } from './step-report.ts'

/** Operations of a step that has been made, of a model as it is after it. */
export function operationsOfStep(model: Model, report: StepReport): number {
  const { rowLosses, tokens, rehearsedRows, heldBackRows = 0 } = report
  const { forward, training } = operationsOf(model)
  // Old rows are as long as new ones, on average.
  const perRow = tokens / rowLosses.length
  const learnt = rowLosses.length - heldBackRows + rehearsedRows
  return perRow * (learnt * training + heldBackRows * forward)
}
