import { arch, availableParallelism, cpus, platform } from 'node:os'
import type { Device } from '@burgeon/tensor'
import type { Fact } from './life-report.ts'

/** The machine that a figure was measured on. */
export function machineFacts(device: Device): Fact[] {
  return [
    {
      label: 'processor',
      value: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} threads`,
    },
    { label: 'system', value: `${platform()} ${arch()}` },
    { label: 'Node', value: process.version },
    { label: 'device', value: device.name },
  ]
}
