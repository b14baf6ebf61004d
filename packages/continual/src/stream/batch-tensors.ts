/** From rows to tensors on a device, and to the loss of what counts in them: the one way there is. */
import type { ForwardOptions, Gpt } from '@burgeon/gpt'
import { type Device, divide, sum, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import { type Batch, readOf, targetsOf } from './batch.ts'

/** A batch on a device. */
export interface BatchTensors {
  /** Input of the model, `i32 [B, T]`, with 0 in the place of padding: nothing that counts ever sees it. */
  readonly tokens: Tensor
  /** Targets, `i32 [B·T]`; negative where nothing is to be predicted. */
  readonly targets: Tensor
  /** The same targets as plain numbers. */
  readonly targetTokens: Int32Array
  /** Places that have something to predict, in order. */
  readonly counted: readonly number[]
}

/** Rows of tokens on a device, `i32 [B, T]`, with 0 in the place of padding. */
export function rowsOn(device: Device, tokens: Int32Array, length: number): Tensor {
  const shape = [tokens.length / length, length]
  return device.tensor(
    tokens.map((token) => Math.max(token, 0)),
    { shape, dtype: 'i32' },
    'batch',
  )
}

/** Puts a batch on a device. */
export function batchTensors(device: Device, batch: Batch): BatchTensors {
  const targetTokens = targetsOf(batch)
  const { length: places } = targetTokens
  return {
    tokens: rowsOn(device, readOf(batch), batch.length),
    targets: device.tensor(targetTokens, { shape: [places], dtype: 'i32' }, 'batch'),
    targetTokens,
    counted: Array.from(targetTokens.keys()).filter((i) => targetTokens[i] >= 0),
  }
}

/** Loss of a batch. */
export interface BatchLoss {
  /** Loss per token, `f32 [B·T]`, in nats; 0 where nothing is to be predicted. */
  readonly losses: Tensor
  /** Over the tokens that count, a scalar. */
  readonly mean: Tensor
}

/** The loss of a batch on the model's device as a function of the weights. */
export function lossOn(
  model: Gpt,
  { tokens, targets, counted }: BatchTensors,
  options: Omit<ForwardOptions, 'cache'> = {},
): (weights: TensorsByPath) => BatchLoss {
  return (weights) => {
    const losses = model.losses(tokens, targets, weights, options)
    return { losses, mean: divide(sum(losses), Math.max(1, counted.length)) }
  }
}
