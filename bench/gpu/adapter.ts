/** Devices of the GPU benchmarks, their names, and whether targets are meant for them. */
import type { Device } from '@burgeon/tensor'
import { aboutWebGpu, openWebGpu, type Precision, webGpuPeakFlops } from '@burgeon/tensor/webgpu'

const precisions: readonly Precision[] = ['single', 'mixed']

/** A device and the yardstick of its products. */
export interface GpuUnderTest {
  readonly device: Device
  readonly precision: Precision
  /** Floating-point operations per second, measured. */
  readonly peak: number
}

export interface AdapterUnderTest {
  readonly adapter: string
  /** Targets are for the class of an H200; other adapters are measured without them. */
  readonly hasTargets: boolean
  readonly devices: readonly GpuUnderTest[]
}

/** Opens the adapter in single and in mixed precision. */
export async function openAdapter(note: (line: string) => void): Promise<AdapterUnderTest> {
  const { adapter } = await aboutWebGpu()
  const devices: GpuUnderTest[] = []
  for (const precision of precisions) {
    const device = await openWebGpu({ precision })
    const peak = await webGpuPeakFlops(device)
    note(`${adapter}, ${precision} precision: ${(peak / 1e12).toFixed(3)} TFLOP/s at most`)
    devices.push({ device, precision, peak })
  }
  return { adapter, hasTargets: /H[12]00|GH200|B[12]00/.test(adapter), devices }
}
