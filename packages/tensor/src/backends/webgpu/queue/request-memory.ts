/**
 * Makes memory of the device. Whether there was room for it is known only later: WebGPU hands out a buffer
 * either way.
 */
import type { GpuDevice, GpuMemory } from '../gpu-interface.ts'

/** Memory that may turn out not to exist. */
export interface RequestedMemory {
  readonly memory: GpuMemory
  /** The message of the device if there was no room; else undefined. */
  readonly refusal: Promise<string | undefined>
}

/** Requests a buffer of the device, with a promise that tells whether it got memory. */
export function requestMemory(
  device: GpuDevice,
  about: { readonly size: number; readonly usage: number },
): RequestedMemory {
  device.pushErrorScope('out-of-memory')
  const memory = device.createBuffer(about)
  return { memory, refusal: refusalBy(device) }
}

async function refusalBy(device: GpuDevice): Promise<string | undefined> {
  try {
    return (await device.popErrorScope())?.message
  } catch {
    // The device is lost, which is reported elsewhere.
    return undefined
  }
}
