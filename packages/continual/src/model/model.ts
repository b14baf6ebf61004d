/** Model: what a learner teaches. A GPT is one, and so is any object of these members. */
import { aGpt, type Gpt } from '@burgeon/gpt'
import {
  type Check,
  checks,
  crossEntropy,
  type Device,
  elementwise,
  expression,
  mean,
  type ParameterStore,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { Batch, TokenBatch } from '../stream/batch.ts'

/**
 * The role that learns. It computes, and a learner does all the rest: a step takes gradients through
 * `forward`, and changes the parameters.
 *
 * @example
 * ```ts
 * const { device, parameters } = model // one of them is 'weight', of shape [2, 3]
 * const line: Model = {
 *   device,
 *   parameters,
 *   forward: (inputs, weights = parameters.tensors()) => matmul(inputs, weights['weight']),
 *   toState: () => plainTensors(parameters.tensors()),
 * }
 * ```
 */
export interface Model {
  readonly device: Device
  readonly parameters: ParameterStore
  /**
   * Meaning of the outputs: logits of classes, whose loss is the cross-entropy, or numbers, whose loss is the
   * mean of the squared errors. Classes unless given.
   */
  readonly predicts?: 'classes' | 'numbers'
  /**
   * Predicts.
   *
   * @param inputs Of examples `f32 [B, features]`, of tokens `i32 [B, T]`.
   * @param weights Other weights of the same shapes, such as those that a gradient is taken by.
   * @returns One row of C outputs for every prediction, `f32 [N, C]`; N is B, or B·T for tokens.
   */
  forward(inputs: Tensor, weights?: TensorsByPath): Tensor
  /**
   * The loss of every prediction by its outputs, `f32 [N]`, where it is another than that of `predicts`.
   *
   * @param targets As in `BatchTensors`.
   */
  lossesOf?(outputs: Tensor, targets: Tensor): Tensor
  /**
   * The same losses straight from the inputs, where that is cheaper than by all outputs. Used where nobody
   * needs the outputs.
   */
  losses?(inputs: Tensor, targets: Tensor, weights?: TensorsByPath): Tensor
  /**
   * Throws OptionError for a batch that it cannot learn; a batch of the wrong form never comes to it. Any
   * passes unless given.
   */
  check?(batch: Batch): void
  /** Plain data, JSON values and typed arrays, or a promise of them: what a checkpoint holds of it. */
  toState(): unknown
}

/** The batches that a model learns from. */
export type BatchOf<M extends Model> = M extends Gpt ? TokenBatch : Batch

/** Any object of the role. */
export const aModel: Check<Model> = {
  ...checks.role<Model>('a model', 'device', 'parameters', 'forward', 'toState'),
  expected: `${aGpt.expected}, or an object with device, parameters, forward and toState`,
}

const { input, subtract, multiply } = expression
const error = subtract(input(0), input(1))
const squaredError = multiply(error, error)

/**
 * The loss of every prediction by its outputs, `f32 [N]`.
 *
 * @param outputs `f32 [N, C]`.
 * @param targets As in `BatchTensors`.
 */
export function lossesOf(model: Model, outputs: Tensor, targets: Tensor): Tensor {
  if (model.lossesOf !== undefined) return model.lossesOf(outputs, targets)
  return model.predicts === 'numbers'
    ? mean(elementwise(squaredError, [outputs, targets]), { axes: [1] })
    : crossEntropy(outputs, targets)
}
