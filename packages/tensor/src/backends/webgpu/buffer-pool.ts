/** Keeps freed buffers for the next tensor of their size: after the first steps of a training nothing is created any more. */
import { OutOfMemoryError } from '../../errors.ts'
import { type GpuDevice, type GpuMemory, usage } from './gpu-interface.ts'

/** A buffer of the device, as tensors hold it. */
export interface GpuBuffer {
  /** Names it in the cache of bind groups. */
  readonly id: number
  readonly memory: GpuMemory
  /** Bytes that it holds, at least what was asked for. */
  readonly size: number
  /** The submission that uses it last; what is written from outside must come after it. */
  lastUse: number
  /** What was uploaded, as long as no kernel has written to it: integers only, so that ids can be checked. */
  uploaded: Int32Array | undefined
}

const smallest = 256
const storage = usage.STORAGE | usage.COPY_SRC | usage.COPY_DST

export class BufferPool {
  readonly #device: GpuDevice
  readonly #free = new Map<number, GpuBuffer[]>()
  readonly #largest: number
  #next = 0
  #reserved = 0

  constructor(device: GpuDevice) {
    this.#device = device
    this.#largest = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize)
  }

  /** Bytes of all buffers, in use or waiting. */
  get reservedBytes(): number {
    return this.#reserved
  }

  /** How many buffers were ever made. */
  get created(): number {
    return this.#next
  }

  /**
   * The free buffer of this size with the lowest number, or a new one: so a step that asks for the same as the one before gets
   * the same buffers, whatever the order in which they came back, and finds its bind groups made. Throws OutOfMemoryError.
   */
  take(bytes: number, wantedBy: () => string): GpuBuffer {
    const size = sizeClass(bytes)
    const waiting = this.#free.get(size)?.pop()
    if (waiting !== undefined) return waiting
    if (size > this.#largest) {
      throw new OutOfMemoryError(
        `${wantedBy()}: no room for ${bytes} bytes in one buffer; this adapter allows ${this.#largest}. ` +
          'Use a smaller model or batch.',
      )
    }
    const memory = this.#device.createBuffer({ size, usage: storage })
    this.#reserved += size
    return { id: this.#next++, memory, size, lastUse: -1, uploaded: undefined }
  }

  /** Kernels run in the order in which they were encoded, so a buffer may serve the next tensor at once. */
  give(buffer: GpuBuffer): void {
    buffer.uploaded = undefined
    let waiting = this.#free.get(buffer.size)
    if (waiting === undefined) this.#free.set(buffer.size, (waiting = []))
    // Highest number first.
    let [low, high] = [0, waiting.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (waiting[middle].id > buffer.id) low = middle + 1
      else high = middle
    }
    waiting.splice(low, 0, buffer)
  }
}

/** The smallest of {4, 5, 6, 7}·2ⁿ that holds `bytes`; at least 256. */
function sizeClass(bytes: number): number {
  if (bytes <= smallest) return smallest
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2)
  return Math.ceil(bytes / step) * step
}
