/** What steps cost, in floating-point operations. */
import { flopsPerToken, Gpt } from '@burgeon/gpt'
import type { StepReport } from '../journal/step-report.ts'
import type { Model } from '../model/model.ts'

/**
 * Operations of a prediction: forward alone, or learnt. Of a GPT by the op table, at full context; of others
 * by their products, each weight used once.
 */
export const operationsOf = (model: Model): { readonly forward: number; readonly training: number } =>
  model instanceof Gpt
    ? flopsPerToken(model.config)
    : { forward: 2 * model.parameters.size, training: 6 * model.parameters.size }

/** Operations of a step that has been made, of a model as it is after it. */
export function operationsOfStep(model: Model, report: StepReport): number {
  const { rowLosses, tokens, rehearsedRows, heldBackRows = 0 } = report
  const { forward, training } = operationsOf(model)
  // Old rows are as long as new ones, on average.
  const perRow = tokens / rowLosses.length
  const learnt = rowLosses.length - heldBackRows + rehearsedRows
  return perRow * (learnt * training + heldBackRows * forward)
}
