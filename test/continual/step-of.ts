/** The context of a step in which a batch was new, for parts that are tried without a learner. */
import { passOf, type RecallContext, type StepContext, type TokenBatch } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'

/** @param model Given where the part looks at it. */
export function stepOf(fresh: TokenBatch, model?: Gpt): StepContext<Gpt> & RecallContext<Gpt> {
  return {
    step: 1,
    model: model as Gpt,
    fresh,
    old: null,
    rowLosses: new Array<number>(fresh.rows).fill(1),
    tokenLosses: new Float64Array(fresh.rows * fresh.length).fill(1),
    oldLosses: null,
    bitsPerByte: 1,
    bytes: [],
    losses: [1],
    stepsSinceDrift: null,
    mirrors: [],
    events: [],
    weights: model?.parameters.tensors() ?? {},
    predict: (rows) => (weights) => passOf(model as Gpt, rows, weights),
  }
}
