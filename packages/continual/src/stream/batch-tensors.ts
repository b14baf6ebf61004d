/** From rows to tensors on a device: the one way there is. */
import type { Device, Tensor } from '@burgeon/tensor'
import { type Batch, isTokenBatch, readOf, targetsOf } from './batch.ts'

/** A batch on a device. */
export interface BatchTensors {
  /**
   * Input of the model: of examples `f32 [B, features]`; of tokens `i32 [B, T]`, with 0 in the place of
   * padding: nothing that counts ever sees it.
   */
  readonly inputs: Tensor
  /**
   * Targets of the N predictions: tokens or classes, `i32 [N]`, negative where nothing is to be predicted; or
   * numbers, `f32 [N, C]`.
   */
  readonly targets: Tensor
  /** Predictions for each row: T for tokens, 1 for examples. */
  readonly length: number
  /** Predictions that count, in order. */
  readonly counted: readonly number[]
  /** Weights of the N predictions, `f32 [N]`; 1 each unless given. */
  readonly lossWeights?: Tensor
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

/**
 * Puts a batch on a device.
 *
 * @param predicts Meaning of the targets of examples (see `Model`).
 */
export function batchTensors(
  device: Device,
  batch: Batch,
  predicts: 'classes' | 'numbers' = 'classes',
): BatchTensors {
  const { rows, weights: given } = batch
  const lossWeights = given && device.tensor(given, { shape: [given.length], dtype: 'f32' }, 'batch')
  if (isTokenBatch(batch)) {
    const targetTokens = targetsOf(batch)
    const { length: places } = targetTokens
    return {
      inputs: rowsOn(device, readOf(batch), batch.length),
      targets: device.tensor(targetTokens, { shape: [places], dtype: 'i32' }, 'batch'),
      length: batch.length,
      counted: Array.from(targetTokens.keys()).filter((i) => targetTokens[i] >= 0),
      ...(lossWeights && { lossWeights }),
    }
  }
  const { inputs, targets } = batch
  const numbersOn = (numbers: Float32Array): Tensor =>
    device.tensor(numbers, { shape: [rows, numbers.length / rows], dtype: 'f32' }, 'batch')
  return {
    inputs: numbersOn(inputs),
    targets:
      predicts === 'numbers'
        ? numbersOn(targets)
        : device.tensor(Int32Array.from(targets), { shape: [rows], dtype: 'i32' }, 'batch'),
    length: 1,
    counted: Array.from({ length: rows }, (_, i) => i),
    ...(lossWeights && { lossWeights }),
  }
}
