/** Right calls of `@burgeon/tensor/webgpu`. They need no GPU, but a device of one is tried more deeply. */
import { type Device, UnsupportedError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import * as api from '@burgeon/tensor/webgpu'
import type { Call, CallsOf } from './call.ts'

/** A WebGPU whose adapter, called like its vendor, gives no device: what comes so far was right. */
const adapter = {
  info: { vendor: 'made up', architecture: '', device: '', description: '' },
  features: new Set<string>(),
  limits: {},
  requestDevice() {
    throw new UnsupportedError('openWebGpu: this adapter has no device.')
  },
}
const gpu = (): object => ({ requestAdapter: () => Promise.resolve(adapter) })
const tuning = (): api.WebGpuTuning => ({ adapter: 'made up', kernels: {} })

const sizesFor = (device: Device): (() => Call)[] => [
  () => ({
    args: { sizes: [[8, 8, 8]] },
    run: (sizes: Parameters<typeof api.tuneWebGpu>[1]) => api.tuneWebGpu(device, sizes),
  }),
  () => ({
    args: { size: [8, 8, 8] },
    run: (size: readonly [number, number, number]) => api.tuneWebGpu(device, [size]),
  }),
]

/** @param opened A device of `openWebGpu`; without it, devices of other kinds are tried alone, which end at the door. */
export function webGpuCalls(opened?: Device): CallsOf<typeof api> {
  const device = opened ?? openReference()
  return {
    aboutWebGpu: 'takes no arguments, and finds what there is',
    openWebGpu: [
      () => ({
        args: { options: { precision: 'single', tuning: tuning(), gpu: gpu() } },
        run: api.openWebGpu,
      }),
      () => ({
        args: { ...tuning() },
        run: (...[named, kernels]: [string, api.WebGpuTuning['kernels']]) =>
          api.openWebGpu({ tuning: { adapter: named, kernels }, gpu: gpu() }),
      }),
    ],
    tuneWebGpu: [
      () => ({ args: { device }, run: (of: Device) => api.tuneWebGpu(of, [[8, 8, 8]]) }),
      ...(opened === undefined ? [] : sizesFor(opened)),
    ],
    webGpuCounts: [() => ({ args: { device }, run: api.webGpuCounts })],
    webGpuPeakFlops: [() => ({ args: { device }, run: api.webGpuPeakFlops })],
  }
}
