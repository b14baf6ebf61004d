/** From rows to tensors on a device, and to the loss of what counts in them: the one way there is. */
import type { ForwardOptions, Gpt } from '@burgeon/gpt'
import { type Device, divide, sum, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import { type Batch, inputsOf, targetsOf } from './batch.ts'

/** A batch on a device. */
export interface BatchTensors {
  /** What the model reads, `i32 [B, T]`, with 0 in the place of padding: nothing that counts ever sees it. */
  readonly tokens: Tensor
  /** What it shall predict, `i32 [B·T]`; negative where nothing is to be predicted. */
  readonly targets: Tensor
  /** Places that have something to predict, in order. */
  readonly counted: readonly number[]
}

/** Puts a batch on a device. */
export function batchTensors(device: Device, batch: Batch): BatchTensors {
  const { rows, length } = batch
  const targets = targetsOf(batch)
  return {
    tokens: device.tensor(inputsOf(batch), { shape: [rows, length], dtype: 'i32' }, 'batch'),
    targets: device.tensor(targets, { shape: [targets.length], dtype: 'i32' }, 'batch'),
    counted: Array.from(targets.keys()).filter((i) => targets[i] >= 0),
  }
}

/** What a batch costs. */
export interface BatchLoss {
  /** Of every place, `f32 [B·T]`, in nats; 0 where nothing is to be predicted. */
  readonly losses: Tensor
  /** Over the tokens that count, a scalar. */
  readonly mean: Tensor
}

/** The loss of a batch as a function of the weights. */
export function lossOn(
  model: Gpt,
  batch: Batch,
  options: Omit<ForwardOptions, 'cache'> = {},
): (weights: TensorsByPath) => BatchLoss {
  const { tokens, targets, counted } = batchTensors(model.device, batch)
  return (weights) => {
    const losses = model.losses(tokens, targets, weights, options)
    return { losses, mean: divide(sum(losses), Math.max(1, counted.length)) }
  }
}
