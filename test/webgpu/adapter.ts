// Reaches inside: tests count what the backend makes, and lose its device on purpose.
import { Device } from '@burgeon/tensor'
import { aboutWebGpu, openWebGpu } from '@burgeon/tensor/webgpu'
import { expect, test } from 'vitest'
import { requestDevice } from '../../packages/tensor/src/backends/webgpu/find-gpu.ts'
import { webGpuKernels } from '../../packages/tensor/src/backends/webgpu/kernels.ts'
import { WebGpuBackend } from '../../packages/tensor/src/backends/webgpu/webgpu-backend.ts'

/** Set where WebGPU must be there, so that no test is left out unnoticed. */
const isRequired = process.env.BURGEON_REQUIRE_WEBGPU === '1'

/** Runs `tests` with a device on this machine's adapter; where there is none, leaves a skipped test that says why. */
export async function withAdapter(
  tests: (device: Device, adapter: string) => void | Promise<void>,
): Promise<void> {
  let device: Device
  let adapter: string
  try {
    ;({ adapter } = await aboutWebGpu())
    device = await openWebGpu()
  } catch (error) {
    if (isRequired) throw error
    test('on WebGPU', ({ skip }) => {
      skip(String(error))
      expect.fail('skipped tests do not get here')
    })
    return
  }
  await tests(device, adapter)
}

/** Another device, with its backend at hand. */
export async function openWithBackend(): Promise<{ device: Device; backend: WebGpuBackend }> {
  const { device, capabilities } = await requestDevice()
  const backend = new WebGpuBackend(device, capabilities)
  return { device: Device.of(backend, webGpuKernels), backend }
}
