/** The WebGPU backend: buffers of a device, and kernels in WGSL that are compiled when first needed. */
import type { Backend, Kernel } from '../../device.ts'
import type { DType, NumericArray } from '../../dtype.ts'
import { DeviceLostError, InternalError, UnsupportedError } from '../../errors.ts'
import type { OpName } from '../../op-table.ts'
import { formatShape, sizeOf, type TensorSpec } from '../../shape.ts'
import type { Capabilities } from './capabilities.ts'
import { BufferPool, type GpuBuffer } from './buffer-pool.ts'
import { CommandStream } from './command-stream.ts'
import { type GpuDevice, type GpuMemory, type GpuPipeline, mapRead, usage } from './gpu-interface.ts'
import { BindGroups } from './bind-groups.ts'
import { defaultWorkgroup, type KernelSource, type ParameterType, wgslOf } from './wgsl.ts'

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

/** What has been made so far; a step of unchanged shapes makes nothing. */
export interface WebGpuCounts {
  readonly pipelines: number
  readonly buffers: number
  readonly bindGroups: number
  readonly dispatches: number
  readonly submissions: number
}

export class WebGpuBackend implements Backend<GpuBuffer> {
  readonly name = 'webgpu'
  readonly device: GpuDevice
  readonly capabilities: Capabilities
  /** Workgroups along one axis of a call; asking the device every time would cost as much as the call. */
  readonly #mostAcross: number
  readonly #pool: BufferPool
  readonly #stream: CommandStream
  readonly #programs = new Map<string, Program>()
  readonly #bindGroups = new Map<string, BindGroups>()
  readonly #staging = new Map<number, GpuMemory[]>()
  readonly #tuned: ReadonlyMap<string, string>
  #dispatches = 0
  #soon: Promise<void> | undefined
  #failure: Error | undefined

  /** @param tuned The fastest kernels for classes of products, as `tune` measured them. */
  constructor(device: GpuDevice, capabilities: Capabilities, tuned: Readonly<Record<string, string>> = {}) {
    this.device = device
    this.capabilities = capabilities
    this.#tuned = new Map(Object.entries(tuned))
    this.#mostAcross = device.limits.maxComputeWorkgroupsPerDimension
    this.#pool = new BufferPool(device)
    this.#stream = new CommandStream(device)
    device.addEventListener('uncapturederror', ({ error }) => {
      this.#failure ??= new InternalError(`webgpu: ${error.message}`)
    })
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
    const waiting = this.#staging.get(buffer.size)?.pop()
    const staging =
      waiting ?? this.device.createBuffer({ size: buffer.size, usage: usage.MAP_READ | usage.COPY_DST })
    this.#stream.copy(buffer, staging, bytes)
    await this.#submitSoon()
    try {
      await staging.mapAsync(mapRead)
    } catch (cause) {
      // The loss is announced a moment after what it broke.
      await Promise.race([this.device.lost, new Promise((resolve) => void setTimeoutOf(resolve, 100))])
      this.#check()
      throw new DeviceLostError('webgpu: a result could not be read.', { cause })
    }
    this.#check()
    const numbers = staging.getMappedRange(0, bytes).slice(0)
    staging.unmap()
    const list = this.#staging.get(buffer.size)
    if (list === undefined) this.#staging.set(buffer.size, [staging])
    else list.push(staging)
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

  /** The fastest kernel for a class of products, where that was measured. */
  tuning(productClass: string): string | undefined {
    return this.#tuned.get(productClass)
  }

  /** Room that lives while `body` encodes. */
  scratch(bytes: number, wantedBy: string, body: (buffer: GpuBuffer) => void): void {
    const buffer = this.#pool.take(bytes, () => wantedBy)
    body(buffer)
    this.#pool.give(buffer)
  }

  /** The kernel with this key, compiled at the first call. Everything that `build` depends on must be part of the key. */
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

  /** Calls a kernel with `count` invocations at least, in whole workgroups. The body must leave out those beyond. */
  run(program: Program, buffers: readonly GpuBuffer[], parameters: readonly number[], count: number): void {
    this.runGroups(program, buffers, parameters, Math.ceil(count / program.workgroup))
  }

  /** Calls a kernel with `groups` workgroups at least, in the order of the bindings and parameters of its source. */
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
    const across = Math.min(groups, this.#mostAcross)
    this.#stream.dispatch(
      program,
      program.bindGroups.of(buffers),
      parameters,
      across,
      Math.ceil(groups / across),
    )
    this.#dispatches++
  }

  /** Throws what has gone wrong on the device since the last question. */
  #check(): void {
    if (this.#failure === undefined) return
    const failure = this.#failure
    if (!(failure instanceof DeviceLostError)) this.#failure = undefined
    throw failure
  }

  /** Everything that is read in the same moment shares one submission. */
  #submitSoon(): Promise<void> {
    this.#soon ??= this.#submitNext()
    return this.#soon
  }

  async #submitNext(): Promise<void> {
    await Promise.resolve()
    this.#soon = undefined
    this.#stream.submit()
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

const setTimeoutOf = (then: (value: unknown) => void, milliseconds: number): unknown =>
  (globalThis as unknown as { setTimeout(run: (value: unknown) => void, wait: number): unknown }).setTimeout(
    then,
    milliseconds,
  )
