/**
 * What goes to the device: kernels are encoded one after the other into one pass, and a whole step is submitted at once, when
 * something is to be read, when its parameters fill the arena, or when an upload must not overtake it.
 */
import type { GpuBuffer } from './buffer-pool.ts'
import {
  type GpuBindGroup,
  type GpuDevice,
  type GpuEncoder,
  type GpuMemory,
  type GpuPass,
  type GpuPipeline,
  usage,
} from './gpu-interface.ts'

/** Calls of kernels between two submissions at most. */
const slots = 2048
/** Numbers that come with a call at most: the sizes and strides of eight inputs of eight axes. */
const mostParameters = 128

export class CommandStream {
  readonly #device: GpuDevice
  readonly #slotBytes: number
  readonly #arena: GpuMemory
  readonly #bytes: Uint8Array
  /** Where the parameters of the next call go. */
  readonly view: DataView
  #encoder: GpuEncoder | undefined
  #pass: GpuPass | undefined
  #pipeline: GpuPipeline | undefined
  readonly #offset = [0]
  #used = 0
  #submissions = 0

  constructor(device: GpuDevice) {
    this.#device = device
    this.#slotBytes = Math.max(mostParameters * 4, device.limits.minUniformBufferOffsetAlignment)
    this.#arena = device.createBuffer({
      size: slots * this.#slotBytes,
      usage: usage.UNIFORM | usage.COPY_DST,
    })
    this.#bytes = new Uint8Array(slots * this.#slotBytes)
    this.view = new DataView(this.#bytes.buffer)
  }

  /** The uniform buffer in which parameters lie. */
  get arena(): GpuMemory {
    return this.#arena
  }

  /** Bytes that one call's parameters may take. */
  get slotBytes(): number {
    return this.#slotBytes
  }

  /** Number of the submission that is being put together. */
  get current(): number {
    return this.#submissions
  }

  /** Room for the parameters of the next call: a position in `view`. */
  nextSlot(): number {
    if (this.#used === slots) this.submit()
    return this.#used++ * this.#slotBytes
  }

  /** Encodes a call whose parameters lie at `slot`. */
  dispatch(
    pipeline: GpuPipeline,
    bindings: GpuBindGroup,
    slot: number,
    [x, y]: readonly [number, number],
  ): void {
    const pass = (this.#pass ??= this.#open().beginComputePass())
    if (this.#pipeline !== pipeline) {
      pass.setPipeline(pipeline)
      this.#pipeline = pipeline
    }
    this.#offset[0] = slot
    pass.setBindGroup(0, bindings, this.#offset)
    pass.dispatchWorkgroups(x, y)
  }

  /** Encodes a copy of the first `bytes` of a buffer, after everything that was encoded before. */
  copy(from: GpuBuffer, to: GpuMemory, bytes: number): void {
    this.#endPass()
    this.#open().copyBufferToBuffer(from.memory, 0, to, 0, bytes)
    from.lastUse = this.#submissions
  }

  /** Writes numbers into a buffer, after everything that was encoded before. */
  upload(to: GpuBuffer, data: ArrayBufferView): void {
    // The queue writes at once, before what is still being encoded: so that must not use the buffer.
    if (to.lastUse === this.#submissions) this.submit()
    this.#device.queue.writeBuffer(to.memory, 0, data)
  }

  /** Hands over what has been encoded. */
  submit(): void {
    const encoder = this.#encoder
    if (encoder === undefined) return
    this.#endPass()
    this.#device.queue.writeBuffer(this.#arena, 0, this.#bytes.subarray(0, this.#used * this.#slotBytes))
    this.#device.queue.submit([encoder.finish()])
    this.#encoder = undefined
    this.#used = 0
    this.#submissions++
  }

  #open(): GpuEncoder {
    return (this.#encoder ??= this.#device.createCommandEncoder())
  }

  #endPass(): void {
    this.#pass?.end()
    this.#pass = undefined
    this.#pipeline = undefined
  }
}
