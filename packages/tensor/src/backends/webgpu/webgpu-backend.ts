/** The WebGPU backend: buffers of a device, and kernels in WGSL that are compiled when first needed. */
import type { Backend, Kernel } from '../../device.ts'
import type { DType, NumericArray } from '../../dtype.ts'
import { DeviceLostError, InternalError, OutOfMemoryError, UnsupportedError } from '../../errors.ts'
import type { OpName } from '../../op-table.ts'
import { formatShape, sizeOf, type TensorSpec } from '../../shape.ts'
import type { Capabilities } from './capabilities.ts'
import { BufferPool, type GpuBuffer } from './queue/buffer-pool.ts'
import { CommandStream } from './queue/command-stream.ts'
import { type GpuDevice, type GpuPipeline, mapRead } from './gpu-interface.ts'
import { failureOf, waitFor } from './failure-of.ts'
import { Staging } from './queue/staging.ts'
import { BindGroups } from './queue/bind-groups.ts'
import type { WebGpuCounts } from './webgpu-counts.ts'
import { defaultWorkgroup, type KernelSource, type ParameterType, wgslOf } from './wgsl/wgsl.ts'

export type WebGpuKernel<K extends OpName> = Kernel<K, WebGpuBackend>

/** A compiled kernel. */
export interface Program {
  readonly pipeline: GpuPipeline
  /** `r` or `w` for each buffer. */
  readonly access: string
  readonly bindGroups: BindGroups
  readonly types: readonly ParameterType[]
  readonly workgroup: number
}

/** Submissions after which unused memory returns to the device, and submissions between two sweeps. */
const [idleSubmissions, sweepEvery] = [128, 32]

export class WebGpuBackend implements Backend<GpuBuffer> {
  readonly name = 'webgpu'
  readonly readsLater = true
  readonly device: GpuDevice
  readonly capabilities: Capabilities
  /** Maximum number of workgroups along one axis of a call. Reading the limit costs as much as a call. */
  readonly #maxAcross: number
  readonly #pool: BufferPool
  readonly #stream: CommandStream
  readonly #programs = new Map<string, Program>()
  readonly #bindGroups = new Map<string, BindGroups>()
  readonly #staging: Staging
  readonly #tuned: ReadonlyMap<string, string>
  #dispatches = 0
  #soon: Promise<void> | undefined
  #failure: Error | undefined
  #swept = 0
  #wasRefused = false

  /** @param tuned The fastest kernels for classes of products, as `tune` measured them. */
  constructor(device: GpuDevice, capabilities: Capabilities, tuned: Readonly<Record<string, string>> = {}) {
    this.device = device
    this.capabilities = capabilities
    this.#tuned = new Map(Object.entries(tuned))
    this.#maxAcross = device.limits.maxComputeWorkgroupsPerDimension
    this.#stream = new CommandStream(device)
    this.#staging = new Staging(device)
    this.#pool = new BufferPool(device, {
      current: () => this.#stream.current,
      onRefusal: (error, buffer) => this.#noteRefusal(error, buffer.lastUse),
    })
    device.addEventListener('uncapturederror', ({ error }) => void this.#noteError(error.message))
    void this.#noteLoss()
  }

  get reservedBytes(): number {
    return this.#pool.reservedBytes
  }

  get counts(): WebGpuCounts {
    return {
      pipelines: this.#programs.size,
      buffers: this.#pool.created,
      bindGroups: [...this.#bindGroups.values()].reduce((sum, { created }) => sum + created, 0),
      dispatches: this.#dispatches,
      submissions: this.#stream.current,
    }
  }

  allocate({ shape }: TensorSpec, madeBy: string): GpuBuffer {
    this.#check()
    return this.#pool.take(4 * sizeOf(shape), () => `${madeBy} ${formatShape(shape)}`)
  }

  free(buffer: GpuBuffer): void {
    this.#pool.give(buffer)
  }

  requireNumbers({ lost }: GpuBuffer): void {
    if (lost !== undefined) throw lost
  }

  write(buffer: GpuBuffer, data: ArrayLike<number>, dtype: DType): void {
    if (dtype === 'f32') {
      this.#stream.upload(buffer, data instanceof Float32Array ? data : Float32Array.from(data))
      return
    }
    buffer.uploaded = Int32Array.from(data)
    this.#stream.upload(buffer, buffer.uploaded)
  }

  async read(buffer: GpuBuffer, { shape, dtype }: TensorSpec): Promise<NumericArray> {
    this.#check()
    const bytes = 4 * sizeOf(shape)
    if (bytes === 0) return dtype === 'f32' ? new Float32Array() : new Int32Array()
    this.requireNumbers(buffer)
    const since = this.#stream.current
    const { memory, refusal } = this.#staging.take(buffer.size)
    this.#stream.copy(buffer, memory, bytes)
    await this.#submitSoon()
    const failure = await failureOf(memory.mapAsync(mapRead))
    const refused = await refusal
    if (this.#pool.isUnsettled) await this.#pool.settle()
    if (refused !== undefined) this.#loseReading(bytes, since, refused)
    if ((failure ?? buffer.lost ?? this.#failure) !== undefined) {
      memory.destroy()
      this.#check()
      const error = buffer.lost ?? (await this.#lossAfter(failure))
      throw error
    }
    const numbers = memory.getMappedRange(0, bytes).slice(0)
    memory.unmap()
    this.#staging.give(memory, this.#stream.current)
    return dtype === 'f32' ? new Float32Array(numbers) : new Int32Array(numbers)
  }

  readSync(): NumericArray {
    throw new UnsupportedError(
      'webgpu: numbers cannot be read synchronously; expected `await tensor.read()`.',
    )
  }

  get isTuned(): boolean {
    return this.#tuned.size > 0
  }

  /** Returns the fastest kernel for a class of products, where that was measured. */
  tuning(productClass: string): string | undefined {
    return this.#tuned.get(productClass)
  }

  /** Allocates memory that exists while `body` encodes. */
  scratch(bytes: number, wantedBy: string, body: (buffer: GpuBuffer) => void): void {
    const buffer = this.#pool.take(bytes, () => wantedBy)
    try {
      body(buffer)
    } finally {
      this.#pool.give(buffer)
    }
  }

  /**
   * Returns the kernel with this key, compiled at the first call. The key must name everything that `build`
   * depends on.
   */
  program(key: string, build: () => KernelSource): Program {
    const known = this.#programs.get(key)
    if (known !== undefined) return known
    const source = build()
    const code = wgslOf(source)
    const access = Object.values(source.bindings)
      .map((kind) => kind[0])
      .join('')
    const bindGroups = this.#bindGroupsOf(access)
    const pipeline = this.device.createComputePipeline({
      label: key,
      layout: this.device.createPipelineLayout({ bindGroupLayouts: [bindGroups.layout] }),
      compute: { module: this.device.createShaderModule({ code, label: key }), entryPoint: 'main' },
    })
    const made = {
      ...{ pipeline, access, bindGroups },
      types: Object.values(source.parameters),
      workgroup: source.workgroup ?? defaultWorkgroup,
    }
    this.#programs.set(key, made)
    return made
  }

  /**
   * Calls a kernel with `count` invocations at least, in whole workgroups. The body must leave out those
   * beyond.
   */
  run(program: Program, buffers: readonly GpuBuffer[], parameters: readonly number[], count: number): void {
    this.runGroups(program, buffers, parameters, Math.ceil(count / program.workgroup))
  }

  /**
   * Calls a kernel with `groups` workgroups at least, in the order of the bindings and parameters of its
   * source.
   */
  runGroups(
    program: Program,
    buffers: readonly GpuBuffer[],
    parameters: readonly number[],
    groups: number,
  ): void {
    if (groups === 0) return
    const current = this.#stream.current
    for (let i = 0; i < buffers.length; i++) {
      const buffer = buffers[i]
      buffer.lastUse = current
      if (program.access[i] === 'w') buffer.uploaded = undefined
    }
    const across = Math.min(groups, this.#maxAcross)
    this.#stream.dispatch(
      program,
      program.bindGroups.of(buffers),
      parameters,
      across,
      Math.ceil(groups / across),
    )
    this.#dispatches++
  }

  /** Throws the error that has occurred on the device since the last call. */
  #check(): void {
    if (this.#failure === undefined) return
    const failure = this.#failure
    if (!(failure instanceof DeviceLostError)) this.#failure = undefined
    throw failure
  }

  /** Submits soon: all reads of the same moment share one submission. */
  #submitSoon(): Promise<void> {
    this.#soon ??= this.#submitNext()
    return this.#soon
  }

  async #submitNext(): Promise<void> {
    await Promise.resolve()
    this.#soon = undefined
    this.#stream.submit()
    const { current } = this.#stream
    if (current - this.#swept < sweepEvery) return
    this.#swept = current
    this.#release(current - idleSubmissions)
  }

  /** Returns to the device the memory that no submission has used from this one on. */
  #release(before: number): void {
    this.#staging.release(before)
    const released = this.#pool.release(before)
    if (released.size > 0) for (const groups of this.#bindGroups.values()) groups.forget(released)
  }

  /**
   * A buffer had no memory, so no submission that uses it runs. Memory kept without need is freed for the
   * next attempt.
   */
  #noteRefusal(error: OutOfMemoryError, lastUse: number): void {
    if (lastUse === this.#stream.current) this.#stream.discard()
    this.#wasRefused = true
    if (!(this.#failure instanceof DeviceLostError)) this.#failure = error
    this.#release(this.#stream.current)
  }

  #loseReading(bytes: number, since: number, message: string): void {
    const error = new OutOfMemoryError(
      `read: the GPU has no room for ${bytes} bytes through which numbers come back. Dispose of what is not needed. ` +
        `(${message.split('\n')[0]})`,
    )
    this.#pool.lose(error, since)
    this.#noteRefusal(error, since)
  }

  /** Records an error as ours, unless it follows from a lack of memory, which the device reports, too. */
  async #noteError(message: string): Promise<void> {
    if (this.#pool.isUnsettled) await this.#pool.settle()
    if (this.#wasRefused && /invalid/i.test(message)) return
    this.#failure ??= new InternalError(`webgpu: ${message}`)
  }

  /** Returns why a result could not be read. The device reports its loss a moment after the failure. */
  async #lossAfter(cause: unknown): Promise<Error> {
    await waitFor(this.device.lost, 100)
    this.#check()
    return new DeviceLostError('webgpu: a result could not be read.', { cause })
  }

  async #noteLoss(): Promise<void> {
    const { reason, message } = await this.device.lost
    this.#failure = new DeviceLostError(
      `webgpu: the device was lost (${reason || 'no reason given'}). ${message} ` +
        'Open another one and go on from the last snapshot.',
    )
  }

  #bindGroupsOf(access: string): BindGroups {
    let known = this.#bindGroups.get(access)
    if (known === undefined) {
      known = new BindGroups(this.device, access, this.#stream)
      this.#bindGroups.set(access, known)
    }
    return known
  }
}
