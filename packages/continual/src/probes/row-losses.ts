/** How well rows are predicted now, without learning from them. */
import { Gpt, type LoraAdapter } from '@burgeon/gpt'
import { scope } from '@burgeon/tensor'
import type { ContextLabels } from '../context/context-labels.ts'
import { afterTokens } from '../context/rows-in-context.ts'
import type { Model } from '../model/model.ts'
import { type Computed, predict } from '../model/pass.ts'
import { type Batch, isTokenBatch } from '../stream/batch.ts'
import { batchTensors } from '../stream/batch-tensors.ts'
import type { HeldLosses } from './hold-back.ts'

/** Loss of every row, with all of its labels, and an adapter that drops nothing where there is one. */
export async function rowLossesOf(
  model: Model,
  adapter: LoraAdapter | undefined,
  batch: Batch,
  context?: ContextLabels,
): Promise<HeldLosses> {
  const { losses, length, counted } = scope(() => {
    const tensors = batchTensors(model.device, batch, model.predicts)
    const bare = model instanceof Gpt && adapter !== undefined ? adapted(model, adapter) : model
    const computed =
      context !== undefined && isTokenBatch(batch)
        ? afterTokens(bare, model.device, batch, context.before(batch))
        : bare
    const means = { model, batch, freshRows: batch.rows, tensors, keepsLogits: false, computed }
    // Inputs and targets end with the scope.
    const { losses: own } = predict(means, model.parameters.tensors())
    return { losses: own, length: tensors.length, counted: tensors.counted }
  })
  using _ = losses
  const values = await losses.read()
  const [sums, predictions] = [new Float64Array(batch.rows), new Float64Array(batch.rows)]
  for (const i of counted) {
    sums[Math.floor(i / length)] += values[i]
    predictions[Math.floor(i / length)]++
  }
  return { rowLosses: Array.from(sums, (sum, row) => sum / predictions[row]), predictions: [...predictions] }
}

const adapted = (model: Gpt, adapters: LoraAdapter): Computed => ({
  forward: (inputs, weights) => model.forward(inputs, weights, { adapters }),
  losses: (inputs, targets, weights) => model.losses(inputs, targets, weights, { adapters }),
})
