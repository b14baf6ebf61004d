/** Pass: the prediction of a step's rows, as the parts that add to its loss see it. */
import {
  checkArgument,
  checks,
  divide,
  multiply,
  OptionError,
  slice,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { aBatch, type Batch } from '../stream/batch.ts'
import { type BatchTensors, batchTensors } from '../stream/batch-tensors.ts'
import { aModel, lossesOf, type Model } from './model.ts'

/** One prediction of all rows of a step, on the tape. */
export interface Pass {
  readonly model: Model
  /** The rows of the step: the fresh ones first, then the recalled ones. */
  readonly batch: Batch
  /** How many of the rows are fresh. */
  readonly freshRows: number
  /** The same rows on the device. */
  readonly tensors: BatchTensors
  /**
   * The loss of every prediction, `f32 [N]`, in nats, without its weight; 0 where nothing is to be predicted.
   */
  readonly losses: Tensor
  /**
   * The outputs of the model, `f32 [N, C]`. They are kept where a part of the learner says `usesLogits`, so
   * asking for them costs nothing then.
   *
   * @throws OptionError where none does.
   */
  logits(): Tensor
}

/** How a model computes with the weights that learn: as ever, or as a step needs it. */
export interface Computed {
  forward(inputs: Tensor, weights: TensorsByPath): Tensor
  losses?(inputs: Tensor, targets: Tensor, weights: TensorsByPath): Tensor
}

/** What a pass is made of, but for the weights. */
export interface PassMeans extends Pick<Pass, 'model' | 'batch' | 'freshRows' | 'tensors'> {
  /** Whether the outputs are kept. */
  readonly keepsLogits: boolean
  /** How the model computes; as ever unless given. */
  readonly computed?: Computed
}

/**
 * Predicts rows as a step of a learner does, for parts that are tried without one. Its tensors belong to the
 * scope that it is called in.
 *
 * @param batch Rows of the form that the model reads.
 * @param weights All of the model unless given.
 * @param freshRows How many of the rows count as fresh, from 0; all unless given.
 */
export function passOf(
  model: Model,
  batch: Batch,
  weights: TensorsByPath = model.parameters.tensors(),
  freshRows: number = batch.rows,
): Pass {
  checkArgument('passOf', 'model', model, aModel)
  checkArgument('passOf', 'batch', batch, aBatch)
  checkArgument('passOf', 'weights', weights, checks.tensorsByPath)
  checkArgument('passOf', 'freshRows', freshRows, checks.integer({ from: 0, to: batch.rows }))
  const tensors = batchTensors(model.device, batch, model.predicts)
  return predict({ model, batch, freshRows, tensors, keepsLogits: true }, weights)
}

/**
 * Predicts rows.
 *
 * @param weights Those that `computed` takes: all of the model unless it is given.
 */
export function predict(means: PassMeans, weights: TensorsByPath): Pass {
  const { model, batch, freshRows, tensors, keepsLogits, computed = model } = means
  const { inputs, targets } = tensors
  const outputs = keepsLogits ? computed.forward(inputs, weights) : undefined
  const losses =
    outputs === undefined && computed.losses !== undefined
      ? computed.losses(inputs, targets, weights)
      : lossesOf(model, outputs ?? computed.forward(inputs, weights), targets)
  return {
    ...{ model, batch, freshRows, tensors, losses },
    logits() {
      if (outputs !== undefined) return outputs
      throw new OptionError(
        'learner: a part asked for logits that were not kept; expected usesLogits: true of that part.',
      )
    },
  }
}

/** The losses of all predictions times their weights, `f32 [N]`: what is learnt of them. */
export const weightedLossesOf = ({
  losses,
  tensors: { lossWeights },
}: Pick<Pass, 'losses' | 'tensors'>): Tensor =>
  lossWeights === undefined ? losses : multiply(losses, lossWeights)

/**
 * The sum of the weighted losses by the number of predictions that count, a scalar. Never by the sum of the
 * weights: half the weights are half the gradient.
 */
export function meanLossOf(pass: Pick<Pass, 'losses' | 'tensors'>): Tensor {
  const { counted } = pass.tensors
  const total = sum(weightedLossesOf(pass))
  return counted.length > 1 ? divide(total, counted.length) : total
}

/** The same over the fresh rows alone. */
export function freshLossOf(pass: Pass): Tensor {
  const { counted, length } = pass.tensors
  const predictions = pass.freshRows * length
  const count = counted.filter((i) => i < predictions).length
  return divide(sum(slice(weightedLossesOf(pass), [0], [predictions])), Math.max(1, count))
}
