/** One-hot vectors and identity matrices. */
import { checkArgument } from '../checks/check-options.ts'
import { checkTensor } from '../checks/check-tensor.ts'
import * as checks from '../checks/checks.ts'
import { defaultDevice } from './create.ts'
import type { Device } from '../device.ts'
import { ShapeError } from '../errors.ts'
import { equal } from '../ops/elementwise/comparisons.ts'
import { iota } from '../ops/iota/iota.ts'
import { reshape } from '../ops/reshape/reshape.ts'
import { scope } from '../scope.ts'
import { checkShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** A number of classes, up to which every id is exact in single precision, in which ids are compared. */
const aCount = checks.integer({ from: 0, to: 2 ** 24 })

/**
 * Makes a 1 at the place of each id and 0 elsewhere, `i32 […]` to `f32 […, classes]`. An id outside [0,
 * classes) has no 1, as in JAX.
 *
 * @param classes From 0 to 2²⁴.
 * @throws ShapeError for ids that are not `i32`.
 */
export function oneHot(ids: Tensor, classes: number): Tensor {
  checkTensor('oneHot', 'ids', ids)
  checkArgument('oneHot', 'classes', classes, aCount)
  if (ids.dtype !== 'i32') throw new ShapeError(`oneHot: got ids ${ids.dtype}; expected i32.`)
  checkShape('oneHot', [...ids.shape, classes])
  return scope(() => equal(reshape(ids, [...ids.shape, 1]), iota(ids.device, classes)))
}

/**
 * Makes the identity matrix, or the upper or left part of a larger one, `f32 [rows, columns]`; square by
 * default.
 */
export function eye(rows: number, columns: number = rows, device: Device = defaultDevice()): Tensor {
  checkArgument('eye', 'rows', rows, aCount)
  checkArgument('eye', 'columns', columns, aCount)
  checkArgument('eye', 'device', device, checks.device)
  return scope(() => oneHot(iota(device, rows), columns))
}
