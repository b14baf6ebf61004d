/** Memory through which numbers come back from the device, kept for the next read of its size. */
import { type GpuDevice, type GpuMemory, usage } from '../gpu-interface.ts'
import { requestMemory, type RequestedMemory } from './request-memory.ts'

interface Waiting {
  readonly memory: GpuMemory
  /** The submission after which it was returned. */
  readonly since: number
}

export class Staging {
  readonly #device: GpuDevice
  readonly #free = new Map<number, Waiting[]>()

  constructor(device: GpuDevice) {
    this.#device = device
  }

  take(size: number): RequestedMemory {
    const waiting = this.#free.get(size)?.pop()
    if (waiting !== undefined) return { memory: waiting.memory, refusal: Promise.resolve(undefined) }
    return requestMemory(this.#device, { size, usage: usage.MAP_READ | usage.COPY_DST })
  }

  /** Takes back memory that is not mapped any more. */
  give(memory: GpuMemory, since: number): void {
    const waiting = this.#free.get(memory.size)
    if (waiting === undefined) this.#free.set(memory.size, [{ memory, since }])
    else waiting.push({ memory, since })
  }

  /** Returns to the device the memory that has waited since before a submission. */
  release(before: number): void {
    for (const [size, waiting] of this.#free) {
      for (const { memory } of waiting.filter(({ since }) => since < before)) memory.destroy()
      const left = waiting.filter(({ since }) => since >= before)
      if (left.length > 0) this.#free.set(size, left)
      else this.#free.delete(size)
    }
  }
}
