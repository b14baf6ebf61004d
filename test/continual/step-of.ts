/** The context of a step in which a batch was new, for parts that are tried without a learner. */
import type { StepContext, TokenBatch } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'

/** @param model Given where the part looks at it. */
export function stepOf(fresh: TokenBatch, model?: Gpt): StepContext<Gpt> {
  return {
    step: 1,
    model: model as Gpt,
    fresh,
    old: null,
    rowLosses: new Array<number>(fresh.rows).fill(1),
    bitsPerByte: 1,
    bytes: [],
    losses: [1],
    stepsSinceDrift: null,
    mirrors: [],
    events: [],
  }
}
