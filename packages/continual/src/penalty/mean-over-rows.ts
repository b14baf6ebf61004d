/**
 * Means over the rows of a sample, a few thousand predictions at a time: what importance is measured with.
 */
import { Gpt } from '@burgeon/gpt'
import {
  addInto,
  checkArgument,
  fill,
  multiply,
  scope,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { aModel, type Model } from '../model/model.ts'
import { aBatch, type Batch, isTokenBatch, rowsBetween } from '../stream/batch.ts'
import { type BatchTensors, batchTensors } from '../stream/batch-tensors.ts'

/** Predictions, and outputs of all of them, that one pass over rows may hold. */
const [maxPredictions, maxOutputs] = [2 ** 12, 2 ** 25]

/** Some rows of a sample, on the device. */
export interface JudgedRows extends BatchTensors {
  readonly model: Model
  readonly weights: TensorsByPath
  readonly rows: number
  /** C, the outputs for each prediction. */
  readonly outputs: number
  /** 1/√T where a prediction counts, T of them in its row, 0 elsewhere: `f32 [N]`. */
  readonly rootShares: Tensor
}

/**
 * The mean over the rows of a sample, each with the same weight.
 *
 * @param of Returns the sum over some of the rows, by path.
 */
export function meanOverRows(
  who: string,
  model: Model,
  sample: Batch,
  of: (judged: JudgedRows) => TensorsByPath,
): TensorsByPath {
  checkArgument(who, 'model', model, aModel)
  checkArgument(who, 'sample', sample, aBatch)
  const weights = model.parameters.tensors()
  const { rows } = sample
  const outputs = outputsOf(model, sample)
  const total = zerosLike(weights)
  const length = isTokenBatch(sample) ? sample.length : 1
  const together = Math.max(1, Math.floor(Math.min(maxPredictions, maxOutputs / outputs) / length))
  for (let row = 0; row < rows; row += together) {
    scope(() => {
      const batch = rowsBetween(sample, row, Math.min(rows, row + together))
      const tensors = batchTensors(model.device, batch, model.predicts)
      const shares = rootShares(batch.rows * length, tensors)
      const judged = {
        ...{ ...tensors, model, weights, outputs, rows: batch.rows },
        rootShares: model.device.tensor(shares, { shape: [shares.length], dtype: 'f32' }),
      }
      addAll(total, of(judged), 1 / rows)
    })
  }
  return total
}

function outputsOf(model: Model, sample: Batch): number {
  if (model instanceof Gpt) return model.config.vocabulary
  const one = rowsBetween(sample, 0, 1)
  return scope(() => model.forward(batchTensors(model.device, one, model.predicts).inputs).shape[1])
}

export const zerosLike = (weights: TensorsByPath): TensorsByPath =>
  Object.fromEntries(Object.entries(weights).map(([path, w]) => [path, fill(w.device, w.shape, 0)]))

/** Adds tensors, each times a factor, to those of the same paths. */
export function addAll(total: TensorsByPath, terms: TensorsByPath, factor: number): void {
  for (const [path, term] of Object.entries(terms)) {
    addInto(total[path], factor === 1 ? term : multiply(term, factor))
  }
}

/** 1/√Tₙ where a prediction counts, 0 elsewhere: the root, because gradients are squared. */
function rootShares(predictions: number, { length, counted }: BatchTensors): Float64Array {
  const perRow = new Float64Array(predictions / length)
  for (const i of counted) perRow[Math.floor(i / length)]++
  const shares = new Float64Array(predictions)
  for (const i of counted) shares[i] = 1 / Math.sqrt(perRow[Math.floor(i / length)])
  return shares
}
