/**
 * `@burgeon/tensor/webgpu`: the GPU, by WebGPU: a browser's own, or in Node that of the package `webgpu`
 * (Dawn).
 */
import * as checks from '../../checks/checks.ts'
import { checkArgument, checkOptions } from '../../checks/check-options.ts'
import { fields } from '../../checks/check-state.ts'
import { Device } from '../../device.ts'
import { OptionError } from '../../errors.ts'
import { adapterName, type Precision } from './capabilities.ts'
import { findAdapter, requestDevice } from './find-gpu.ts'
import type { Gpu } from './gpu-interface.ts'
import { checkTuning, tune, webGpuKernels } from './kernels.ts'
import type { WebGpuTuning } from './tuning.ts'
import { measurePeak } from './measure-peak.ts'
import { WebGpuBackend } from './webgpu-backend.ts'
import type { WebGpuCounts } from './webgpu-counts.ts'

export type { WebGpuTuning } from './tuning.ts'
export type { Precision } from './capabilities.ts'
export type { WebGpuCounts } from './webgpu-counts.ts'

/** The adapter and its features. */
export interface WebGpuAbout {
  /** Vendor, architecture and name, as far as the adapter gives them. */
  readonly adapter: string
  /** Optional features of WebGPU that the adapter has. */
  readonly features: readonly string[]
}

/** Options of `openWebGpu`. */
export interface WebGpuOptions {
  /**
   * Precision of factors. Default `single`. With `mixed`, matrix products and attention round their factors
   * to half precision and sum in single precision, on tensor cores where the adapter has them; parameters,
   * moments and results stay single. Gradients then need a loss scale, see `dynamicLossScale` in
   * `@burgeon/autograd`.
   */
  readonly precision?: Precision
  /** The result of `tuneWebGpu` on this adapter. */
  readonly tuning?: WebGpuTuning
  /** A WebGPU other than the host's: for example that of the package `webgpu` with other flags. */
  readonly gpu?: object
}

/**
 * Opens a device that computes on the GPU. Read numbers with `await tensor.read()`.
 *
 * @throws UnsupportedError without WebGPU or without an adapter, OptionError for an unknown precision or a
 *   tuning of another adapter.
 */
export async function openWebGpu(options: WebGpuOptions = {}): Promise<Device> {
  checkOptions('openWebGpu', options, {
    precision: checks.oneOf('single', 'mixed'),
    tuning: fields('what tuneWebGpu returned', {
      adapter: checks.text,
      kernels: checks.record('kernels by name', checks.text),
    }),
    gpu: checks.role<Gpu>('a WebGPU', 'requestAdapter'),
  })
  const { precision = 'single', tuning } = options
  const gpu = options.gpu as Gpu | undefined
  if (tuning !== undefined) checkTuning(tuning, adapterName((await findAdapter(gpu)).info))
  const { device, capabilities } = await requestDevice(precision, gpu)
  const backend = new WebGpuBackend(device, capabilities, tuning?.kernels)
  const opened = Device.of(backend, webGpuKernels)
  backends.set(opened, backend)
  if (gpu !== undefined) origins.set(opened, gpu)
  return opened
}

const backends = new WeakMap<Device, WebGpuBackend>()
/**
 * The WebGPU object of each device: Dawn's driver ends with that object, even under devices that are still
 * used.
 */
const origins = new WeakMap<Device, Gpu>()

function backendOf(who: string, device: Device): WebGpuBackend {
  checkArgument(who, 'device', device, checks.instance('a device of openWebGpu()', Device))
  const backend = backends.get(device)
  if (backend !== undefined) return backend
  throw new OptionError(`${who}: got a device of kind ${device.name}; expected one of openWebGpu().`)
}

/**
 * Returns counts of what a device has made since it was opened. The difference between two training steps
 * shows the cost of a step: after the second step of unchanged shapes only dispatches and submissions
 * continue to grow.
 *
 * @throws OptionError for a device that `openWebGpu` has not made.
 */
export function webGpuCounts(device: Device): WebGpuCounts {
  return backendOf('webGpuCounts', device).counts
}

/**
 * Floating-point operations per second that the adapter's arithmetic reaches in single precision, measured
 * with multiply-adds that touch no memory. Takes about a second.
 *
 * @throws OptionError for a device that `openWebGpu` has not made.
 */
export function webGpuPeakFlops(device: Device): Promise<number> {
  return measurePeak(backendOf('webGpuPeakFlops', device))
}

/**
 * Measures which kernel is the fastest for products of these sizes, in all layouts that training needs. Give
 * the result to `openWebGpu`; it is plain data, so it can be kept as JSON. Takes some seconds for each size.
 *
 * @param sizes `[M, N, K]` of each product; each stands for all whose sizes are the same to the next power of
 *   two.
 * @throws OptionError for a device that `openWebGpu` has not made, or sizes that are not positive integers.
 */
export async function tuneWebGpu(
  device: Device,
  sizes: readonly (readonly [m: number, n: number, k: number])[],
): Promise<WebGpuTuning> {
  checkArgument('tuneWebGpu', 'sizes', sizes, checks.list('a list of sizes [M, N, K]', checks.integers))
  return tune(backendOf('tuneWebGpu', device), sizes)
}

/** Returns the adapter that `openWebGpu` would open. Throws UnsupportedError as it does. */
export async function aboutWebGpu(): Promise<WebGpuAbout> {
  const { info, features } = await findAdapter()
  return { adapter: adapterName(info), features: [...features].toSorted() }
}
