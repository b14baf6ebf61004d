/**
 * Finds WebGPU: the browser's own, or in Node that of the `webgpu` package (Dawn), an optional dependency.
 */
import { UnsupportedError } from '../../errors.ts'
import { type Capabilities, capabilitiesOf, type Precision, wantedFeatures } from './capabilities.ts'
import type { Gpu, GpuAdapter, GpuDevice } from './gpu-interface.ts'

interface WebGpuPackage {
  create(flags: readonly string[]): Gpu
}

/**
 * Flags for Dawn. On NVIDIA it hides half precision, and with it the tensor cores, unless told otherwise;
 * matrices of subgroups count as unsafe as long as their specification is a draft.
 */
const flags = ['enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia']

let found: Promise<Gpu> | undefined

/** Returns the same object at every call: in Node each object would hold its own driver. */
function findGpu(): Promise<Gpu> {
  found ??= find()
  return found
}

async function find(): Promise<Gpu> {
  const { navigator } = globalThis as { navigator?: { gpu?: Gpu } }
  if (navigator?.gpu !== undefined) return navigator.gpu
  // The name is put together at run time, so that bundlers for browsers do not look for the package.
  const name = ['web', 'gpu'].join('')
  let dawn: WebGpuPackage
  try {
    dawn = (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as WebGpuPackage
  } catch (cause) {
    throw new UnsupportedError(
      'openWebGpu: this host has no WebGPU of its own, and the package `webgpu` cannot be loaded. In Node: npm install webgpu.',
      { cause },
    )
  }
  return dawn.create(flags)
}

/** Limits for which the adapter's maximum is requested. */
const limits = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBuffersPerShaderStage',
] as const

/**
 * Requests a device with all that the adapter allows, and returns it with its capabilities.
 *
 * @param gpu The WebGPU to use instead of the host's.
 * @throws UnsupportedError without WebGPU or without an adapter.
 */
export async function requestDevice(
  precision: Precision = 'single',
  gpu?: Gpu,
): Promise<{ device: GpuDevice; capabilities: Capabilities }> {
  const adapter = await findAdapter(gpu)
  const device = await adapter.requestDevice({
    requiredFeatures: wantedFeatures.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(limits.map((name) => [name, adapter.limits[name]])),
  })
  return { device, capabilities: capabilitiesOf(adapter, device, precision) }
}

/** Returns the fastest adapter. Throws UnsupportedError without WebGPU or without an adapter. */
export async function findAdapter(gpu?: Gpu): Promise<GpuAdapter> {
  const from = gpu ?? (await findGpu())
  const adapter = await from.requestAdapter({ powerPreference: 'high-performance' })
  if (adapter !== null) return adapter
  throw new UnsupportedError(
    'openWebGpu: no adapter was found; expected a GPU with a Vulkan, Metal or Direct3D 12 driver. Use openWasm().',
  )
}
