/** `@burgeon/tensor/reference`: the oracle, in double precision. */
import { Device } from '../../device.ts'
import { referenceKernels } from './kernels.ts'
import { ReferenceBackend } from './reference-backend.ts'

/**
 * Opens a device that computes with plain loops in double precision: slow, and the reference for every other
 * device.
 */
export function openReference(): Device {
  return Device.of(new ReferenceBackend(), referenceKernels)
}
