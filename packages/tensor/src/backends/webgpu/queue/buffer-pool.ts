/**
 * Keeps freed buffers for the next tensor of their size: after the first training steps no buffer is created
 * any more. Buffers that have not been used for long return to the device, and with them the memory of a
 * model that was disposed of, or has shrunk.
 */
import { OutOfMemoryError } from '../../../errors.ts'
import { type GpuDevice, type GpuMemory, usage } from '../gpu-interface.ts'
import { requestMemory } from './request-memory.ts'

/** A buffer of the device, as tensors hold it. */
export interface GpuBuffer {
  /** Its name in the cache of bind groups. */
  readonly id: number
  readonly memory: GpuMemory
  /** Bytes that it holds, at least as many as were asked for. */
  readonly size: number
  /** The submission that uses it last; writes from outside must come after it. */
  lastUse: number
  /**
   * The uploaded numbers, as long as no kernel has written to the buffer: integers only, so that ids can be
   * checked.
   */
  uploaded: Int32Array | undefined
  /** The submission that was being encoded when its present tensor was made. */
  takenAt: number
  /** Whether the device had no room for it: then it cannot be used. */
  isRefused: boolean
  /** Why its numbers are missing: it was refused, or perhaps a buffer that its numbers were computed with. */
  lost: OutOfMemoryError | undefined
}

const smallest = 256
const storage = usage.STORAGE | usage.COPY_SRC | usage.COPY_DST

/** The methods of its backend that a pool needs. */
export interface PoolOwner {
  /** Number of the submission that is being encoded. */
  current(): number
  /** A buffer that was given out has no memory. */
  onRefusal(error: OutOfMemoryError, buffer: GpuBuffer): void
}

export class BufferPool {
  readonly #device: GpuDevice
  readonly #owner: PoolOwner
  readonly #free = new Map<number, GpuBuffer[]>()
  readonly #live = new Set<GpuBuffer>()
  /** Requests of which the outcome is not known yet. */
  readonly #open = new Set<Promise<void>>()
  readonly #largest: number
  #next = 0
  #reserved = 0

  constructor(device: GpuDevice, owner: PoolOwner) {
    this.#device = device
    this.#owner = owner
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
   * Returns the free buffer of this size with the lowest number, or a new one. So a step that asks for the
   * same sizes as the one before gets the same buffers, in whatever order they were freed, and finds its bind
   * groups made. Throws OutOfMemoryError where it is known at once that there is no room; else the owner is
   * told later.
   */
  take(bytes: number, wantedBy: () => string): GpuBuffer {
    const size = sizeClass(bytes)
    if (size > this.#largest) {
      throw new OutOfMemoryError(
        `${wantedBy()}: no room for ${bytes} bytes in one buffer; this adapter allows ${this.#largest}. ` +
          'Use a smaller model or batch.',
      )
    }
    const buffer = this.#free.get(size)?.pop() ?? this.#make(size, wantedBy)
    buffer.takenAt = this.#owner.current()
    this.#live.add(buffer)
    return buffer
  }

  /** Kernels run in the order in which they were encoded, so a buffer may serve the next tensor at once. */
  give(buffer: GpuBuffer): void {
    this.#live.delete(buffer)
    if (buffer.isRefused) return
    buffer.uploaded = undefined
    buffer.lost = undefined
    let waiting = this.#free.get(buffer.size)
    if (waiting === undefined) this.#free.set(buffer.size, (waiting = []))
    // The list is kept with the highest number first.
    let [low, high] = [0, waiting.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (waiting[middle].id > buffer.id) low = middle + 1
      else high = middle
    }
    waiting.splice(low, 0, buffer)
  }

  /** Whether it is unknown so far if there was room for a buffer. */
  get isUnsettled(): boolean {
    return this.#open.size > 0
  }

  /** Resolves when it is known of all buffers so far whether there was room for them. */
  async settle(): Promise<void> {
    await Promise.all(this.#open)
  }

  /** Marks the numbers made from a submission on as lost: at least one of the submissions did not run. */
  lose(error: OutOfMemoryError, since: number): void {
    for (const buffer of this.#live) if (buffer.takenAt >= since) buffer.lost ??= error
  }

  /**
   * Returns to the device the free buffers that no submission has used from this one on. Returns their
   * numbers.
   */
  release(before: number): ReadonlySet<number> {
    const released = new Set<number>()
    for (const [size, waiting] of this.#free) {
      const left = waiting.filter(({ lastUse }) => lastUse >= before)
      for (const { id, memory, lastUse } of waiting) {
        if (lastUse >= before) continue
        memory.destroy()
        released.add(id)
        this.#reserved -= size
      }
      if (left.length > 0) this.#free.set(size, left)
      else this.#free.delete(size)
    }
    return released
  }

  #make(size: number, wantedBy: () => string): GpuBuffer {
    const { memory, refusal } = requestMemory(this.#device, { size, usage: storage })
    this.#reserved += size
    const buffer: GpuBuffer = {
      id: this.#next++,
      memory,
      size,
      lastUse: -1,
      uploaded: undefined,
      takenAt: this.#owner.current(),
      isRefused: false,
      lost: undefined,
    }
    const since = buffer.takenAt
    const hear = async (): Promise<void> => {
      const message = await refusal
      if (message !== undefined) this.#refuse(buffer, since, wantedBy(), message)
      this.#open.delete(heard)
    }
    const heard = hear()
    this.#open.add(heard)
    return buffer
  }

  #refuse(buffer: GpuBuffer, since: number, wantedBy: string, message: string): void {
    const error = new OutOfMemoryError(
      `${wantedBy}: the GPU has no room for ${buffer.size} bytes, beside ${this.#reserved - buffer.size} that are in use or kept. ` +
        `Use a smaller model or batch, or dispose of what is not needed. (${message.split('\n')[0]})`,
    )
    buffer.isRefused = true
    this.#reserved -= buffer.size
    const waiting = this.#free.get(buffer.size)
    const at = waiting?.indexOf(buffer) ?? -1
    if (at >= 0) waiting?.splice(at, 1)
    this.lose(error, since)
    this.#owner.onRefusal(error, buffer)
  }
}

/** The smallest of {4, 5, 6, 7}·2ⁿ that holds `bytes`; at least 256. */
function sizeClass(bytes: number): number {
  if (bytes <= smallest) return smallest
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2)
  return Math.ceil(bytes / step) * step
}
