import type { Device } from 'burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { openWebGpu } from '@burgeon/tensor/webgpu'
import type { DeviceChoice } from './protocol.ts'

/** The adapter as far as it is asked here. */
interface Adapter {
  readonly info?: { readonly isFallbackAdapter?: boolean }
}

/** A device and what the page calls it. */
export async function openDevice(choice: DeviceChoice): Promise<{ device: Device; name: string }> {
  if (choice === 'webgpu' || (choice === 'auto' && (await hasGpu()))) {
    return { device: await openWebGpu(), name: 'WebGPU' }
  }
  const name = globalThis.crossOriginIsolated ? 'WebAssembly, on several threads' : 'WebAssembly'
  return { device: openWasm(), name }
}

/** Whether there is WebGPU on a real GPU: one in software is slower than WebAssembly. */
async function hasGpu(): Promise<boolean> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } }
  const adapter = await gpu?.requestAdapter()
  return adapter != null && adapter.info?.isFallbackAdapter !== true
}
