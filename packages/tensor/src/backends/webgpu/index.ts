/** `@burgeon/tensor/webgpu`: the GPU, by WebGPU: a browser's own, or in Node that of the package `webgpu` (Dawn). */
import { Device } from '../../device.ts'
import { OptionError } from '../../errors.ts'
import { findAdapter, requestDevice } from './find-gpu.ts'
import { webGpuKernels } from './kernels.ts'
import { measurePeak } from './measure-peak.ts'
import { WebGpuBackend, type WebGpuCounts } from './webgpu-backend.ts'

export type { WebGpuCounts } from './webgpu-backend.ts'

/** What the adapter is and can do. */
export interface WebGpuAbout {
  /** Vendor, architecture and name, as far as the adapter tells. */
  readonly adapter: string
  /** Optional features of WebGPU that the adapter has. */
  readonly features: readonly string[]
}

/**
 * Opens a device that computes on the GPU, in single precision. Numbers must be read with `await tensor.read()`.
 *
 * @throws UnsupportedError where there is no WebGPU or no adapter.
 */
export async function openWebGpu(): Promise<Device> {
  const backend = new WebGpuBackend(await requestDevice())
  const device = Device.of(backend, webGpuKernels)
  backends.set(device, backend)
  return device
}

const backends = new WeakMap<Device, WebGpuBackend>()

function backendOf(device: Device): WebGpuBackend {
  const backend = backends.get(device)
  if (backend !== undefined) return backend
  throw new OptionError(`webgpu: got a device of kind ${device.name}; expected one of openWebGpu().`)
}

/**
 * What a device has made since it was opened. Differences between two steps of a training tell what a step costs: after the
 * second step of unchanged shapes only dispatches and submissions go on growing.
 *
 * @throws OptionError for a device that `openWebGpu` has not made.
 */
export function webGpuCounts(device: Device): WebGpuCounts {
  return backendOf(device).counts
}

/**
 * Floating-point operations per second that the adapter's arithmetic reaches in single precision, measured with
 * multiply-adds that touch no memory. Takes about a second.
 *
 * @throws OptionError for a device that `openWebGpu` has not made.
 */
export function webGpuPeakFlops(device: Device): Promise<number> {
  return measurePeak(backendOf(device))
}

/** What `openWebGpu` would open. Throws UnsupportedError as it does. */
export async function aboutWebGpu(): Promise<WebGpuAbout> {
  const { info, features } = await findAdapter()
  const adapter = [info.vendor, info.architecture, info.device, info.description].filter((x) => x !== '')
  return { adapter: adapter.join(', ') || 'unnamed', features: [...features].toSorted() }
}
