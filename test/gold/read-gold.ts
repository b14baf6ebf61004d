/** Reads the gold files that `write-gold.py` wrote, and measures how far a result is from one. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Device, PlainTensor, Tensor } from '@burgeon/tensor'

/** A tensor as the gold files have it. */
export interface GoldTensor {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

/** One of the files beside this one. */
export function readGold(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8'))
}

/** A gold tensor as the state of a model holds it. */
export function plainTensor({ shape, data }: GoldTensor): PlainTensor {
  return { shape, data: Float64Array.from(data) }
}

/** A gold tensor on a device. */
export function placed(device: Device, { shape, data }: GoldTensor, dtype: 'f32' | 'i32' = 'f32'): Tensor {
  return device.tensor(data, { shape, dtype })
}

/**
 * The largest difference between a tensor and its gold, as a share of the largest gold number. That counts at least a
 * tenth: some gradients (those of key biases) are 0 but for rounding.
 */
export async function distance(actual: Tensor, gold: GoldTensor): Promise<number> {
  if (String(actual.shape) !== String(gold.shape)) return Infinity
  const numbers = await actual.read()
  const scale = Math.max(0.1, ...gold.data.map(Math.abs))
  // Math.max passes a NaN on, and a NaN is below no bound.
  return Math.max(...gold.data.map((number, i) => Math.abs(numbers[i] - number))) / scale
}
