/** Tensors as plain data, outside any device: the form in which states keep them. */
import { checkArgument } from '../checks/check-options.ts'
import type { StateChecks } from '../checks/check-state.ts'
import type { Check } from '../checks/checks.ts'
import * as checks from '../checks/checks.ts'
import type { NumericArray } from '../dtype.ts'
import type { TensorsByPath } from './parameter.ts'

/** The numbers of one tensor outside any device. */
export interface PlainTensor {
  readonly shape: readonly number[]
  readonly data: NumericArray
}

/** Numbers of tensors outside any device, by path. */
export type PlainTensors = Readonly<Record<string, PlainTensor>>

/** Check of the fields of a saved tensor. */
export const aPlainTensor: StateChecks<PlainTensor> = {
  shape: checks.shape,
  data: checks.numbers as Check<NumericArray>,
}

/** Reads tensors out of their device. */
export async function plainTensors(tensors: TensorsByPath): Promise<Record<string, PlainTensor>> {
  checkArgument('plainTensors', 'tensors', tensors, checks.tensorsByPath)
  const entries = Object.entries(tensors).map(async ([path, tensor]) => {
    return [path, { shape: tensor.shape, data: await tensor.read() }] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}
