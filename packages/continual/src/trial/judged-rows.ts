/** Judges a learner by rows that are held back. */
import { ParameterStore, shareParameters } from '@burgeon/tensor'
import type { Loop } from '../learning/loop.ts'
import { operationsOf } from '../model/operations-of.ts'
import { rowLossesOf } from '../probes/row-losses.ts'
import type { Batch } from '../stream/batch.ts'
import type { WeightSum } from './weight-sum.ts'

/** Losses of rows, and what it took to know them. */
export interface JudgedRows {
  /** Of each row, in nats per prediction. */
  readonly losses: readonly number[]
  readonly operations: number
}

/** How well they are predicted by the learner as it is. */
export async function judgedRows({ model, parts }: Loop, held: readonly Batch[]): Promise<JudgedRows> {
  const losses: number[] = []
  let predicted = 0
  for (const rows of held) {
    const { rowLosses, predictions } = await rowLossesOf(model, parts.adapter, parts.intake.within(rows))
    losses.push(...rowLosses)
    predicted += predictions.reduce((a, b) => a + b, 0)
  }
  return { losses, operations: predicted * operationsOf(model).forward }
}

/** The same with the mean of some weights in the place of those that learn; these are back afterwards. */
export async function judgedByMean(loop: Loop, held: readonly Batch[], sum: WeightSum): Promise<JudgedRows> {
  const { parameters } = loop.parts.adapter ?? loop.model
  const own = new ParameterStore()
  shareParameters(own, parameters)
  try {
    sum.putInto(parameters)
    return await judgedRows(loop, held)
  } finally {
    shareParameters(parameters, own)
    own.dispose()
  }
}
