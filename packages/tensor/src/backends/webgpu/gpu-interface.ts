/**
 * The part of the WebGPU interface that this backend uses.
 *
 * It is declared here for the same reason as WebAssembly's: TypeScript has it only in a library full of
 * browser globals.
 */

/** Memory of the device. */
export interface GpuMemory {
  readonly size: number
  mapAsync(mode: number): Promise<void>
  getMappedRange(offset: number, size: number): ArrayBuffer
  unmap(): void
  destroy(): void
}

/** The numbers that a device's limits may have; a device gets more than the default only where it asks. */
export interface GpuLimits {
  readonly maxStorageBufferBindingSize: number
  readonly maxBufferSize: number
  readonly maxComputeWorkgroupStorageSize: number
  readonly maxComputeInvocationsPerWorkgroup: number
  readonly maxComputeWorkgroupsPerDimension: number
  readonly maxStorageBuffersPerShaderStage: number
  readonly minUniformBufferOffsetAlignment: number
}

export interface GpuAdapter {
  readonly features: ReadonlySet<string>
  readonly limits: GpuLimits
  readonly info: GpuInfo
  requestDevice(wanted: {
    requiredFeatures: readonly string[]
    requiredLimits: Readonly<Record<string, number>>
  }): Promise<GpuDevice>
}

/** The maker of the adapter; any of these may be empty. */
export interface GpuInfo {
  readonly vendor: string
  readonly architecture: string
  readonly device: string
  readonly description: string
  /** Sizes of the matrices that subgroups multiply; a draft, so not everywhere. */
  readonly subgroupMatrixConfigs?: readonly {
    readonly componentType: string
    readonly resultComponentType: string
    readonly M: number
    readonly N: number
    readonly K: number
  }[]
}

export type GpuPipeline = { readonly label: string }
export type GpuBindGroup = { readonly label: string }
export type GpuBindGroupLayout = { readonly label: string }
type GpuPipelineLayout = { readonly label: string }
type GpuShaderModule = { readonly label: string }
type GpuCommands = { readonly label: string }

export interface GpuPass {
  setPipeline(pipeline: GpuPipeline): void
  setBindGroup(index: number, group: GpuBindGroup, offsets?: readonly number[]): void
  dispatchWorkgroups(x: number, y?: number, z?: number): void
  end(): void
}

export interface GpuEncoder {
  beginComputePass(): GpuPass
  copyBufferToBuffer(from: GpuMemory, fromAt: number, to: GpuMemory, toAt: number, size: number): void
  finish(): GpuCommands
}

export interface GpuQueue {
  submit(commands: readonly GpuCommands[]): void
  writeBuffer(to: GpuMemory, at: number, data: ArrayBufferView): void
  onSubmittedWorkDone(): Promise<void>
}

export interface GpuDevice {
  readonly limits: GpuLimits
  readonly features: ReadonlySet<string>
  readonly queue: GpuQueue
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>
  createBuffer(about: { size: number; usage: number }): GpuMemory
  /** Opens a scope that catches errors of this kind. */
  pushErrorScope(kind: 'out-of-memory'): void
  /** Ends the scope, and returns its first error. */
  popErrorScope(): Promise<{ readonly message: string } | null>
  createShaderModule(about: { code: string; label: string }): GpuShaderModule
  createBindGroupLayout(about: { entries: readonly object[] }): GpuBindGroupLayout
  createPipelineLayout(about: { bindGroupLayouts: readonly GpuBindGroupLayout[] }): GpuPipelineLayout
  createComputePipeline(about: {
    label: string
    layout: GpuPipelineLayout
    compute: { module: GpuShaderModule; entryPoint: string }
  }): GpuPipeline
  createBindGroup(about: { layout: GpuBindGroupLayout; entries: readonly object[] }): GpuBindGroup
  createCommandEncoder(): GpuEncoder
  addEventListener(type: 'uncapturederror', listen: (event: { error: { message: string } }) => void): void
  destroy(): void
}

/** The object that is `navigator.gpu` in a browser, and that the `webgpu` package makes in Node. */
export interface Gpu {
  requestAdapter(options?: { powerPreference?: string }): Promise<GpuAdapter | null>
}

/** Bits of a buffer's `usage`, by their names in the specification. */
export const usage = { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128 } as const
/** The mode of `mapAsync` for reading. */
export const mapRead = 1
