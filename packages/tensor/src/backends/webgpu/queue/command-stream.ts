/**
 * The stream of commands to the device: kernels are encoded one after the other into one pass, and a whole
 * step is submitted at once, when numbers are to be read, when its parameters fill the arena, or when an
 * upload must not overtake it.
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
} from '../gpu-interface.ts'
import type { ParameterType } from '../wgsl/wgsl.ts'

/** Maximum bytes of parameters between two submissions. */
const arenaBytes = 2 ** 20
/** Maximum count of numbers that come with a call: the sizes and strides of eight inputs of eight axes. */
const maxParameters = 128

export class CommandStream {
  readonly #device: GpuDevice
  readonly #slotBytes: number
  readonly #alignment: number
  readonly #arena: GpuMemory
  readonly #integers: Uint32Array
  readonly #floats: Float32Array
  #encoder: GpuEncoder | undefined
  #pass: GpuPass | undefined
  #pipeline: GpuPipeline | undefined
  readonly #offset = [0]
  #used = 0
  #submissions = 0

  constructor(device: GpuDevice) {
    this.#device = device
    this.#slotBytes = maxParameters * 4
    this.#alignment = device.limits.minUniformBufferOffsetAlignment
    this.#arena = device.createBuffer({ size: arenaBytes, usage: usage.UNIFORM | usage.COPY_DST })
    this.#integers = new Uint32Array(arenaBytes / 4)
    this.#floats = new Float32Array(this.#integers.buffer)
  }

  /** The uniform buffer that holds the parameters. */
  get arena(): GpuMemory {
    return this.#arena
  }

  /**
   * Bytes that one call's parameters may take; most take less, and those of the next call then begin sooner.
   */
  get slotBytes(): number {
    return this.#slotBytes
  }

  /** Number of the submission that is being encoded. */
  get current(): number {
    return this.#submissions
  }

  /**
   * Encodes a call.
   *
   * @param parameters As many as there are `types`; every one takes four bytes, and behind the last comes the
   *   0 that kernels know as `params.zero`.
   */
  dispatch(
    { pipeline, types }: { readonly pipeline: GpuPipeline; readonly types: readonly ParameterType[] },
    bindings: GpuBindGroup,
    parameters: readonly number[],
    across: number,
    down: number,
  ): void {
    if (this.#used + this.#slotBytes > arenaBytes) this.submit()
    const slot = this.#used
    this.#used += Math.ceil((4 * types.length + 4) / this.#alignment) * this.#alignment
    const at = slot / 4
    for (let i = 0; i < types.length; i++) {
      if (types[i] === 'f32') this.#floats[at + i] = parameters[i]
      else this.#integers[at + i] = parameters[i]
    }
    this.#integers[at + types.length] = 0
    const pass = (this.#pass ??= this.#open().beginComputePass())
    if (this.#pipeline !== pipeline) {
      pass.setPipeline(pipeline)
      this.#pipeline = pipeline
    }
    this.#offset[0] = slot
    pass.setBindGroup(0, bindings, this.#offset)
    if (down === 1) pass.dispatchWorkgroups(across)
    else pass.dispatchWorkgroups(across, down)
  }

  /** Encodes a copy of the first `bytes` of a buffer, after everything that was encoded before. */
  copy(from: GpuBuffer, to: GpuMemory, bytes: number): void {
    this.#endPass()
    this.#open().copyBufferToBuffer(from.memory, 0, to, 0, bytes)
    from.lastUse = this.#submissions
  }

  /** Writes numbers into a buffer, after everything that was encoded before. */
  upload(to: GpuBuffer, data: ArrayBufferView): void {
    // The queue writes at once, before the commands that are still being encoded: so they must not use the
    // buffer.
    if (to.lastUse === this.#submissions) this.submit()
    this.#device.queue.writeBuffer(to.memory, 0, data)
  }

  /** Submits the encoded commands. */
  submit(): void {
    const encoder = this.#encoder
    if (encoder === undefined) return
    this.#endPass()
    const numbers = this.#integers.subarray(0, this.#used / 4)
    this.#device.queue.writeBuffer(this.#arena, 0, numbers)
    this.#device.queue.submit([encoder.finish()])
    this.#encoder = undefined
    this.#used = 0
    this.#submissions++
  }

  /** Drops the encoded commands: since part of them cannot run, none would. */
  discard(): void {
    if (this.#encoder === undefined) return
    this.#endPass()
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
