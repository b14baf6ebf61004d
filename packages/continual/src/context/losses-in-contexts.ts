/** How well rows are predicted in each context that they may stand in. */
import type { Gpt } from '@burgeon/gpt'
import { scope } from '@burgeon/tensor'
import { predict } from '../model/pass.ts'
import type { TokenBatch } from '../stream/batch.ts'
import { batchTensors } from '../stream/batch-tensors.ts'
import type { TextContext } from './context-labels.ts'
import { afterTokens } from './rows-in-context.ts'

/**
 * The loss of every prediction of some rows in each context, in nats: `[B·T]` for each, 0 where nothing is
 * predicted.
 *
 * @param batch Rows that leave room for the labels.
 */
export async function lossesInContexts(
  model: Gpt,
  batch: TokenBatch,
  contexts: readonly TextContext[],
): Promise<readonly ArrayLike<number>[]> {
  const found: ArrayLike<number>[] = []
  for (const { tokens } of contexts) {
    using losses = scope(() => {
      const tensors = batchTensors(model.device, batch)
      const before = batch.domains.map(() => tokens)
      const computed = afterTokens(model, model.device, batch, before)
      const means = { model, batch, freshRows: batch.rows, tensors, keepsLogits: false, computed }
      return predict(means, model.parameters.tensors()).losses
    })
    found.push(await losses.read())
  }
  return found
}
